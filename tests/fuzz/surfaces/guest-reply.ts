/** What a guest prints when it is asked for its facts: the whole answer, or one that was cut. */
import assert from 'node:assert/strict';
import { parseFacts } from '../../../src/controllers/bench-cluster/guest-script.ts';
import { bytesOf, type Surface, textOf, valueOr } from '../surface.ts';
import { checkCuts, checkNumbers } from './cuts.ts';

const nonce = '6f0d8a52-0e52-4f8f-9e4c-1d2f6f5f0c11';
const unit = (id: string, state: string) => `bc1:unit.Id=benchcluster-${id}.service
bc1:unit.ActiveState=${state}
bc1:unit.Result=exit-code
bc1:unit.ExecMainStatus=7
bc1:unit.InactiveEnterTimestampMonotonic=1000000
`;
const machine = `bc1:bootId=0b8a51c8-3a67-4d0e-8b6e-2f6f1e6f9d10
bc1:hostname=slurm-a-head-0
bc1:cpus=2
bc1:memoryKiB=2014912
bc1:uptime=73.41
`;
const section = (name: string, text: string) =>
  `bc1:begin=${name}/${nonce}\n${text}\n\nbc1:end=${name}/${nonce}\n`;

export const guestReplyText = `${machine}${unit('join-1', 'failed')}${unit('b', 'active')}bc1:attempts=join-1=4
bc1:journal=benchcluster-join-1.service=bm9pc2UK
${section('facts', 'slurm-facts 1\nslurm-facts end')}${section('view', 'error no slurmctld')}bc1:viewStatus=1
bc1:complete=1
`;

const isTyped = (error: unknown) => error instanceof SyntaxError;

export const guestReply: Surface = {
  name: 'guest-reply',
  property: 'sane facts or a SyntaxError; a cut answer is refused or says exactly the same',
  covers: ['controllers/bench-cluster/guest-script.ts'],
  tokens: [
    ...[
      'bc1:',
      'bc1:begin=facts/x\n',
      'bc1:end=facts/x\n',
      'bc1:begin=view/x\n',
      'bc1:end=view/x\n',
    ],
    ...['bc1:complete=1\n', 'bc1:complete=', 'bc1:unit.Id=', 'bc1:unit.__proto__=', 'constructor='],
    ...['bc1:attempts=join-1=', 'bc1:journal=', 'bc1:viewStatus=', 'bc1:uptime=', 'bc1:memoryKiB='],
    ...['\u001b[31m', '[sudo] password for a: ', 'Welcome!\n', '\r\n', 'ActiveState=failed', '-1'],
    ...['bc1:unit.ExecMainStatus=x\n', 'bc1:unit.InactiveEnterTimestampMonotonic=-5\n', '1e999'],
  ],
  maxBytes: 4 * 1024,
  limitMs: 50,
  seeds: () =>
    [
      guestReplyText,
      `Welcome!\n${machine}${section('facts', '')}bc1:complete=1\nbye`,
      `${machine}${section('facts', 'bc1:complete=1')}`,
    ].map(bytesOf),
  check(bytes) {
    const text = textOf(bytes);
    const read = (part: string) => valueOr(() => parseFacts(part), isTyped);
    const whole = read(text);
    if (whole === undefined) return;
    checkNumbers(whole);
    assert.notEqual(whole.facts.bootId, '');
    for (const { name, journalTail } of whole.facts.units) {
      assert.match(name, /^benchcluster-.+\.service$/, 'a unit that is none of ours');
      assert(journalTail.length <= text.length);
    }
    checkCuts(text, read);
  },
};
