/** Runs the search of one surface in a child process, and ends it when it hangs. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { saveCrash } from './corpus.ts';
import type { Covered } from './coverage.ts';
import { lastNoted } from './noted.ts';
import { surfaceNamed } from './surfaces.ts';

export interface Order {
  surface: string;
  seed: number;
  seconds: number;
  noteFile: string;
  /** Write what was learnt to the committed corpus. */
  keep: boolean;
}

export interface Report {
  executions: number;
  seconds: number;
  corpus: number;
  covered: Covered;
  failures: { file: string; message: string }[];
}

export interface Guard {
  worker: string;
  hangMs: number;
  heapMiB: number;
  /** Keeps the input that ended the process; returns where. */
  save: (surface: string, bytes: Uint8Array) => string;
}

const usual: Guard = {
  worker: fileURLToPath(new URL('./worker.ts', import.meta.url)),
  hangMs: 20_000,
  heapMiB: 256,
  save: (surface, bytes) => saveCrash(surfaceNamed(surface), bytes),
};

export async function supervised(
  order: Omit<Order, 'noteFile'>,
  unusual: Partial<Guard> = {},
): Promise<Report> {
  const guard = { ...usual, ...unusual };
  const directory = mkdtempSync(join(tmpdir(), 'benchcluster-fuzz-'));
  const noteFile = join(directory, 'input');
  writeFileSync(noteFile, '');
  const child = fork(guard.worker, [JSON.stringify({ ...order, noteFile })], {
    execArgv: [`--max-old-space-size=${guard.heapMiB}`, '--stack-trace-limit=20'],
    stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
  });
  let lastWords = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    lastWords = (lastWords + text).slice(-2_000);
  });
  let report: Report | undefined;
  child.once('message', (message) => {
    report = message as Report;
  });
  let hangs = false;
  let known = { count: -1, at: performance.now() };
  const watch = setInterval(() => {
    const count = lastNoted(noteFile)?.count ?? -1;
    if (count !== known.count) known = { count, at: performance.now() };
    // Before the first input the code is loaded, which takes long on a busy machine.
    const patience = count < 0 ? 6 * guard.hangMs : guard.hangMs;
    hangs = report === undefined && performance.now() - known.at > patience;
    if (hangs) child.kill('SIGKILL');
  }, 500);
  try {
    const [code, signal] = await once(child, 'close');
    if (report !== undefined) return report;
    const reason = hangs
      ? `hangs for ${guard.hangMs / 1000} s`
      : `ends its process (${signal ?? code})`;
    const last = lastNoted(noteFile);
    const file = last && guard.save(order.surface, last.bytes);
    return ended(last?.count ?? 0, {
      file: file ?? '(before the first input)',
      message: `${reason}\n${lastWords}`,
    });
  } finally {
    clearInterval(watch);
    rmSync(directory, { recursive: true, force: true });
  }
}

function ended(executions: number, failure: Report['failures'][number]): Report {
  const covered = { functions: 0, branches: 0, branchesKnown: 0 };
  return { executions, seconds: 0, corpus: 0, covered, failures: [failure] };
}
