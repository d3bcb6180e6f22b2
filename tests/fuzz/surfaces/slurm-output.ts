/** What the scripts of the Slurm module print in a guest: its facts, or the view of slurmctld. */
import assert from 'node:assert/strict';
import { parseFacts, SlurmOutputError } from '../../../src/controllers/schedulers/slurm/facts.ts';
import { parseView } from '../../../src/controllers/schedulers/slurm/view.ts';
import { bytesOf, type Surface, textOf, valueOr } from '../surface.ts';
import { checkCuts, checkNumbers } from './cuts.ts';

const facts = `slurm-facts 1
daemon munge ActiveState active
daemon munge UnitFileState enabled
daemon munge MainPID 12
daemon slurmctld ActiveState inactive
daemon slurmd InactiveEnterTimestampMonotonic 17
conf ${'a'.repeat(64)}
applied ${'b'.repeat(64)} 123
join ${'c'.repeat(32)}
slurm-facts end
`;
const node = (name: string, state: string, reason = '') =>
  `node\t${name}\t10.77.0.3\t2\t900\t${state}\t1795244467\t1795244468\t-\t${reason}`;
const view = `slurm-view 1 1795246440
job\t2\tRUNNING\tslurm-a-compute-[0-1],b-[08-10,12]
job\t3\tPENDING\t
${node('slurm-a-compute-0', 'IDLE+DRAIN+DYNAMIC_NORM', 'benchcluster: replicas lowered [root@1795246440]')}
${node('slurm-a-compute-1', 'ALLOCATED*', 'x [y@z] [root@1]').replace('\t-\t', '\tolder\t')}
${node('slurm-a-big-0', 'DOWN').replace('1795244467', 'None').replace('1795244468', 'Unknown')}
slurm-view end 3 2
`;

const nodesAtMost = 100;

const isTyped = (error: unknown) =>
  error instanceof SlurmOutputError || error instanceof RangeError;

export const slurmOutput: Surface = {
  name: 'slurm-output',
  property: 'sane values or a typed error; cut output is refused or says exactly the same',
  covers: ['controllers/schedulers/slurm/'],
  tokens: [
    ...[
      'slurm-facts 1\n',
      'slurm-facts end\n',
      'slurm-view 1 1\n',
      'slurm-view end 0 0\n',
      'error ',
    ],
    ...['slurm-view end 1 1\n', 'daemon slurmd ', 'conf ', 'applied ', 'join ', 'job\t', 'node\t'],
    ...['\t', '?', 'None', 'older', '[0-99]', '[2-1]', '[0-999999999]', '[', ']', ',', '-', '+'],
    ...[
      'IDLE',
      'DRAIN',
      'benchcluster: ',
      ' [root@1]',
      '*',
      '\r',
      '\u0000',
      '__proto__',
      'RUNNING',
    ],
  ],
  maxBytes: 8 * 1024,
  limitMs: 100,
  seeds: () =>
    [facts, view, 'slurm-view 1 5\nslurm-view end 0 0\n', 'error scontrol: x\n'].map(bytesOf),
  check(bytes) {
    const text = textOf(bytes);
    const asFacts = (part: string) => valueOr(() => parseFacts(part), isTyped);
    const asView = (part: string) => valueOr(() => parseView(part), isTyped);
    checkCuts(text, asFacts);
    const seen = asView(text);
    if (seen === undefined) return;
    // A list of thousands is written out at each cut, which is slow and tells nothing more.
    if (seen.jobs.every(({ nodes }) => nodes.length <= nodesAtMost)) {
      checkNumbers(seen);
      checkCuts(text, asView);
    }
    for (const [name, record] of seen.nodes) {
      assert.equal(record.name, name);
      assert.match(name, /^[A-Za-z0-9._-]+$/);
      assert.match(record.base, /^[A-Z_]+$/);
      assert.doesNotMatch(record.reason?.text ?? '', /\p{Cc}/u);
    }
    const jobLines = text.split('\n').filter((line) => line.startsWith('job\t'));
    seen.jobs.forEach(({ nodes }, index) => {
      const named = jobLines[index]?.trimEnd().split('\t')[3] ?? '';
      assert(named === '' || nodes.length > 0, 'a job holds nodes, and none is known');
      assert(!nodes.includes(''), 'a job on a node without a name');
    });
  },
};
