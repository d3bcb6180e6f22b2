/** One net in a process of its own; prints, one a line, what it caught. */
import { nets } from './nets.ts';
import { worlds } from './worlds.ts';

const name = process.argv[2] ?? '';
const net = nets[name];
if (net === undefined) throw new RangeError(`no net ${name}`);
const lines: string[] = [];
try {
  await net();
  for (const { oracle } of worlds) oracle.judgeEnd();
} catch (thrown) {
  lines.push(`never: ${String(thrown)}`);
}
for (const { oracle, thrown } of worlds) {
  const bugs = thrown.filter((error) => error.name !== 'PortError');
  lines.push(...oracle.lines, ...bugs.map((error) => `never: ${error.message}`));
}
for (const line of new Set(lines)) console.log(line.split('\n')[0]);
