/**
 * The exit codes of benchctl, a promise to scripts: a code keeps its meaning for ever.
 * This table is the one place that says so; `benchctl --help` and the docs print it.
 */

export const exitCodes = {
  ok: 0,
  failed: 1,
  planHasChanges: 2,
  timedOut: 3,
  notFound: 4,
  invalidManifests: 5,
  usage: 64,
  interrupted: 130,
} as const;

export interface ExitMeaning {
  code: number;
  meaning: string;
}

export const exitCodeTable: readonly ExitMeaning[] = [
  { code: exitCodes.ok, meaning: 'done; for `plan`: nothing to do' },
  { code: exitCodes.failed, meaning: 'it was tried and failed; a check of `doctor` failed' },
  {
    code: exitCodes.planHasChanges,
    meaning: '`plan` has something to do; `confirm` shows what waits',
  },
  { code: exitCodes.timedOut, meaning: '`wait` ran out of time' },
  { code: exitCodes.notFound, meaning: 'no such object, file or directory' },
  { code: exitCodes.invalidManifests, meaning: 'a manifest has faults' },
  { code: exitCodes.usage, meaning: 'the command line is wrong' },
  { code: exitCodes.interrupted, meaning: 'interrupted (Ctrl-C)' },
];

export function exitCodeHelp(): string {
  const lines = exitCodeTable.map(
    ({ code, meaning }) => `  ${String(code).padStart(3)}  ${meaning}`,
  );
  return [
    '',
    'Exit codes:',
    ...lines,
    '  `ssh` ends with the code of the remote command, and 255 when it cannot connect.',
  ].join('\n');
}
