/**
 * The awk programs of our scripts, known by their digest and written again in TypeScript: awk is a
 * language of its own, and three programs need no interpreter. A program that changed is refused, so
 * that nobody forgets to write it again; the conformance suite compares both with the real awk.
 */
import { sha256 } from '../../lib/hash.ts';
import { type Program, rest, type ShellMachine } from '../shell/machine.ts';
import { NotModelledError } from '../shell/syntax.ts';

/** `read` gives the content of a file that the program itself opens. */
type Meaning = (
  text: string,
  variables: ReadonlyMap<string, string>,
  read: (path: string) => string | undefined,
) => string;

const meanings: Record<string, Meaning> = {
  '0df9b130c3fc53ee': unitLines,
  aa01058f47252e55: (text, variables, read) => {
    const older = read('/var/lib/benchcluster/slurm-older') ?? '';
    return viewLines(text, variables, (fields) => [ageOf(fields, older)]);
  },
  '480e6a7b83c0eb81': startLines,
};

export function awk(machine: () => ShellMachine): Program {
  const known = new Map<string, Meaning>();
  return ({ args, input, output }) => {
    const variables = new Map<string, string>();
    const words = [...args];
    while (words[0] === '-v') {
      const [, assignment = ''] = words.splice(0, 2);
      const at = assignment.indexOf('=');
      variables.set(assignment.slice(0, at), assignment.slice(at + 1));
    }
    const [program = ''] = words;
    const meaning = known.get(program) ?? meanings[digest(program)];
    if (meaning === undefined) throw new NotModelledError(`awk ${digest(program)}:\n${program}`);
    known.set(program, meaning);
    output.text += meaning(rest(input), variables, (path) => machine().read(path));
    return 0;
  };
}

/** Name and start of its slurmd of each record that has one. */
function startLines(text: string): string {
  const starts = text.matchAll(/^NodeName=(\S+) .*? SlurmdStartTime=(\d+) /gm);
  return [...starts].map(([, name, start]) => `${name} ${start}\n`).join('');
}

/** Of the text without its indentation. */
function digest(program: string): string {
  return sha256(program.replaceAll(/^[ \t]+/gm, '')).slice(0, 16);
}

/** `daemon NAME PROPERTY VALUE` for each property of each block of `systemctl show`. */
function unitLines(text: string): string {
  let lines = '';
  for (const block of text.split(/\n{2,}/)) {
    const pairs = block.split('\n').filter((line) => line.includes('='));
    const name = pairs.find((line) => line.startsWith('Id='))?.slice(3) ?? '';
    for (const line of pairs) {
      if (line.startsWith('Id=')) continue;
      lines += `daemon ${name.replace(/[.]service$/, '')} ${line.replace('=', ' ')}\n`;
    }
  }
  return lines;
}

/** Jobs above the line `-`, records below it: their fields, their reason, and counts. */
function viewLines(
  text: string,
  variables: ReadonlyMap<string, string>,
  more: (fields: ReadonlyMap<string, string>) => string[],
): string {
  const names = (variables.get('list') ?? '').split(' ');
  const lines = text.replace(/\n$/, '').split('\n');
  const middle = lines.indexOf('-');
  const jobs = lines.slice(0, middle).filter((line) => line !== '');
  const nodes = lines.slice(middle + 1).filter((line) => line.startsWith('NodeName='));
  const told = [
    ...jobs.map((job) => `job\t${job.replaceAll('|', '\t')}`),
    ...nodes.map((node) => nodeLine(node, names, more)),
    `slurm-view end ${nodes.length} ${jobs.length}`,
  ];
  return `${told.join('\n')}\n`;
}

function nodeLine(
  line: string,
  names: string[],
  more: (fields: ReadonlyMap<string, string>) => string[],
): string {
  const free = / (Reason|Comment|Extra)=/.exec(line);
  const isReason = free?.[1] === 'Reason';
  const reason = free && isReason ? line.slice(free.index + 8, free.index + 408) : '';
  const fields = new Map<string, string>();
  for (const word of line.slice(0, free?.index).split(/[ \t]+/)) {
    const at = word.indexOf('=');
    const key = word.slice(0, at);
    if (at >= 0 && !fields.has(key)) fields.set(key, word.slice(at + 1));
  }
  const values = [...names.map((name) => fields.get(name) ?? '?'), ...more(fields)];
  return `node\t${values.join('\t')}\t${reason.replaceAll(/[\t\r]/g, ' ')}`;
}

/** Whether this run of slurmd is the one that is noted for the node. */
function ageOf(fields: ReadonlyMap<string, string>, older: string): string {
  const noted = older.split('\n').findLast((line) => line.startsWith(`${fields.get('NodeName')} `));
  const start = noted?.split(' ')[1];
  return start !== undefined && start === fields.get('SlurmdStartTime') ? 'older' : '-';
}
