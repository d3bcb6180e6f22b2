/**
 * The awk programs of our scripts, known by their digest and written again in TypeScript: awk is a
 * language of its own, and two programs need no interpreter. A program that changed is refused, so
 * that nobody forgets to write it again; the conformance suite compares both with the real awk.
 */
import { sha256 } from '../../lib/hash.ts';
import { type Program, rest } from '../shell/machine.ts';
import { NotModelledError } from '../shell/syntax.ts';

type Meaning = (text: string, variables: ReadonlyMap<string, string>) => string;

const meanings: Record<string, Meaning> = {
  '0df9b130c3fc53ee': unitLines,
  '86c3101ecf11b86c': viewLines,
};

export function awk(): Program {
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
    output.text += meaning(rest(input), variables);
    return 0;
  };
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
function viewLines(text: string, variables: ReadonlyMap<string, string>): string {
  const names = (variables.get('list') ?? '').split(' ');
  const lines = text.replace(/\n$/, '').split('\n');
  const middle = lines.indexOf('-');
  const jobs = lines.slice(0, middle).filter((line) => line !== '');
  const nodes = lines.slice(middle + 1).filter((line) => line.startsWith('NodeName='));
  const told = [
    ...jobs.map((job) => `job\t${job.replaceAll('|', '\t')}`),
    ...nodes.map((node) => nodeLine(node, names)),
    `slurm-view end ${nodes.length} ${jobs.length}`,
  ];
  return `${told.join('\n')}\n`;
}

function nodeLine(line: string, names: string[]): string {
  const free = / (Reason|Comment|Extra)=/.exec(line);
  const isReason = free?.[1] === 'Reason';
  const reason = free && isReason ? line.slice(free.index + 8, free.index + 408) : '';
  const fields = new Map<string, string>();
  for (const word of line.slice(0, free?.index).split(/[ \t]+/)) {
    const at = word.indexOf('=');
    const key = word.slice(0, at);
    if (at >= 0 && !fields.has(key)) fields.set(key, word.slice(at + 1));
  }
  const values = names.map((name) => fields.get(name) ?? '?');
  return `node\t${values.join('\t')}\t${reason.replaceAll(/[\t\r]/g, ' ')}`;
}
