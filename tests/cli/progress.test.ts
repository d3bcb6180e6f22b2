import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createProgressView } from '../../src/cli/progress-view.ts';
import { createPaint } from '../../src/cli/view/color.ts';
import { LiveScreen } from '../../src/cli/view/live-screen.ts';
import { progressFrame, progressLines } from '../../src/cli/view/progress.ts';
import { ago, condition, node, now, status } from './support/builders.ts';
import { FakeTerminal } from './support/fake-context.ts';
import { ManualClock } from './support/manual-clock.ts';

const paint = createPaint(false);
const at = Date.parse(now);
const booting = node('slurm-a-compute-0', {
  phase: 'Booting',
  reason: 'NoAddress',
  message: 'waits for an address',
  since: ago(12),
});

test('plain progress is a line for each change, and none for no change', () => {
  const before = status({ nodes: [booting] });
  const configuring = node('slurm-a-compute-0', {
    phase: 'Configuring',
    reason: 'Joining',
    message: 'slurmd starts',
    since: now,
  });
  assert.deepEqual(progressLines('slurm-a', undefined, before, at), [
    '12:00:00 slurm-a-compute-0: Booting: waits for an address',
    '12:00:00 slurm-a: Ready=True AllNodesReady',
  ]);
  assert.deepEqual(progressLines('slurm-a', before, status({ nodes: [configuring] }), at), [
    '12:00:00 slurm-a-compute-0: Configuring (after 12s Booting): slurmd starts',
  ]);
  assert.deepEqual(progressLines('slurm-a', before, before, at), []);
});

test('a percentage that grows is no news; another reason, a lost node and a condition are', () => {
  const uploading = (reason: string, message: string) =>
    status({ nodes: [{ ...booting, reason, message }] });
  const before = uploading('Uploading', '43 %');
  assert.deepEqual(progressLines('a', before, uploading('Uploading', '44 %'), at), []);
  assert.equal(progressLines('a', before, uploading('Creating', ''), at).length, 1);
  const gone = status({
    nodes: [],
    conditions: [condition({ status: 'False', reason: 'None', message: 'x\ny' })],
  });
  assert.deepEqual(progressLines('a', before, gone, at), [
    '12:00:00 slurm-a-compute-0: gone',
    '12:00:00 a: Ready=False None: x y',
  ]);
});

test('a VM made anew under the same name is news', () => {
  const before = status({ nodes: [booting] });
  const after = status({ nodes: [{ ...booting, uuid: 'other' }] });
  assert.deepEqual(progressLines('a', before, after, at), [
    '12:00:00 slurm-a-compute-0: Booting: waits for an address',
  ]);
});

test('a frame shows stage, elapsed time and message, aligned and within the width', () => {
  const nodes = [
    node('slurm-a-head-0', { since: ago(5) }),
    { ...booting, message: 'x'.repeat(200) },
  ];
  const conditions = [condition({ status: 'False', reason: 'NodesNotReady' })];
  const options = { now: at, columns: 60, rows: 24, paint };
  const lines = progressFrame('slurm-a', status({ nodes, conditions }), options);
  assert.equal(lines[0], 'slurm-a  NodesNotReady  1/2 nodes ready');
  assert.equal(lines[1], '  slurm-a-head-0      Ready     5s    192.168.150.79');
  assert.match(lines[2] ?? '', /^ {2}slurm-a-compute-0 {3}Booting {3}12s {3}x+…$/);
  for (const line of lines) assert.ok(line.length < 60);
});

test('a frame on a very narrow terminal never wraps', () => {
  const options = { now: at, columns: 20, rows: 24, paint };
  for (const line of progressFrame('a'.repeat(40), status(), options)) assert.ok(line.length < 20);
});

test('when not all nodes fit, those on their way are shown', () => {
  const ready = Array.from({ length: 30 }, (_, index) => node(`w-${index}`));
  const options = { now: at, columns: 80, rows: 8, paint };
  const lines = progressFrame('a', status({ nodes: [...ready, booting] }), options);
  assert.ok(lines.length <= 8);
  assert.match(lines[1] ?? '', /slurm-a-compute-0/);
  assert.match(lines.at(-1) ?? '', /… and 26 more/);
});

/** A terminal of so many rows, as far as this screen uses one. */
function screenOf(text: string): string[] {
  const lines: string[] = [''];
  let row = 0;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the escape sequences are what is read
  for (const token of text.match(/\u001b\[\d+[AJ]|\n|[^\u001b\n]+/g) ?? []) {
    if (token === '\n') {
      row += 1;
      lines[row] ??= '';
    } else if (token.endsWith('A') && token.startsWith('\u001b')) {
      row -= Number(token.slice(2, -1));
    } else if (token === '\u001b[0J') {
      lines.splice(row, lines.length, '');
    } else {
      lines[row] += token;
    }
  }
  return lines;
}

test('the live block is redrawn in place and lines printed above it stay', () => {
  const terminal = new FakeTerminal();
  const screen = new LiveScreen(terminal);
  screen.draw(['a 1', 'b 1']);
  screen.draw(['a 2', 'b 2', 'c 2']);
  screen.print(['note']);
  screen.draw(['a 3']);
  assert.deepEqual(screenOf(terminal.text), ['note', 'a 3', '']);
  const before = terminal.text;
  screen.draw(['a 3']);
  assert.equal(terminal.text, before);
});

test('on a terminal elapsed times go on between updates, and stop with the view', () => {
  const terminal = new FakeTerminal();
  terminal.isTTY = true;
  const clock = new ManualClock(now);
  const view = createProgressView(terminal, clock, paint);
  view.update({
    kind: 'status',
    namespace: 'default',
    cluster: 'slurm-a',
    status: status({ nodes: [booting] }),
  });
  assert.match(screenOf(terminal.text).join('\n'), /Booting {3}12s/);
  clock.advance(3000);
  assert.match(screenOf(terminal.text).join('\n'), /Booting {3}15s/);
  view.update({ kind: 'removed', namespace: 'default', cluster: 'slurm-a' });
  assert.deepEqual(screenOf(terminal.text), ['slurm-a: removed, nothing of it is left', '']);
  view.close();
  assert.equal(clock.pending, 0);
});

test('off a terminal there are plain lines, and faults of the source with their place', () => {
  const terminal = new FakeTerminal();
  const clock = new ManualClock(now);
  const view = createProgressView(terminal, clock, paint);
  view.update({
    kind: 'status',
    namespace: 'lab',
    cluster: 'a',
    status: status({ nodes: [booting] }),
  });
  const faults = [{ file: 'a.yaml', line: 3, message: 'wrong' }];
  view.update({ kind: 'source', reason: 'the directory is empty', faults });
  view.close();
  assert.deepEqual(terminal.text.trimEnd().split('\n'), [
    '12:00:00 slurm-a-compute-0: Booting: waits for an address',
    '12:00:00 lab/a: Ready=True AllNodesReady',
    'manifests: the directory is empty',
    'a.yaml:3: wrong',
  ]);
  assert.equal(clock.pending, 0);
});
