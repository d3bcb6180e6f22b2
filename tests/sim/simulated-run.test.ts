/**
 * `benchctl run --simulated` as a process of its own, and commands beside it as people give them:
 * they run in this process, by the same wiring as the program's, because a start takes a second.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { awaitChange } from '../../src/cli/await-change.ts';
import { exitCodes } from '../../src/cli/exit-code.ts';
import { runCli } from '../../src/cli/program.ts';
import { openStateReader } from '../../src/drivers/state-reader.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { wiredContext } from '../../src/wiring/context.ts';
import { FakeTerminal } from '../cli/support/fake-context.ts';
import { clusterYaml, imageYaml } from '../cli/support/manifests.ts';

const benchctl = fileURLToPath(new URL('../../bin/benchctl', import.meta.url));
const limitMs = 60_000;
const bounded = { timeout: 2 * limitMs };

interface Bench {
  state: string;
  controller: ChildProcess;
  /** All that the controller has written. */
  output(): string;
  /** One command beside the controller. */
  command(...words: string[]): Promise<{ code: number; stdout: string; stderr: string }>;
  /** The same, and it is well. */
  done(...words: string[]): Promise<string>;
  /** Such a line is, or comes, among the events of a node. */
  untilEvent(node: string, message: RegExp): Promise<void>;
}

async function start(t: TestContext): Promise<Bench> {
  const place = await mkdtemp(join(tmpdir(), 'simulated-run-'));
  const [dir, state] = [join(place, 'clusters'), join(place, 'state')];
  await mkdir(dir);
  await writeFile(
    join(dir, 'all.yaml'),
    `${imageYaml()}---\n${clusterYaml('demo').replace('{name: bench}', '{name: default}')}`,
  );
  const places = ['--dir', dir, '--state', state];
  const controller = spawn(benchctl, [...places, 'run', '--simulated'], { stdio: 'pipe' });
  t.after(async () => {
    controller.kill('SIGKILL');
    await rm(place, { recursive: true, force: true });
  });
  let output = '';
  for (const stream of [controller.stdout, controller.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  const command: Bench['command'] = async (...words) => {
    const [stdout, stderr] = [new FakeTerminal(), new FakeTerminal()];
    const code = await runCli([...words, ...places], {
      ...{ stdout, stderr, env: {}, home: place, clock: systemClock, signal: t.signal },
      version: { benchctl: '0.0.0', node: '24.0.0' },
      readStdin: async () => '',
      ask: async () => undefined,
      ...wiredContext({}),
    });
    return { code, stdout: stdout.text, stderr: stderr.text };
  };
  return {
    ...{ state, controller, command },
    output: () => output,
    async done(...words) {
      const { code, stdout, stderr } = await command(...words);
      assert.equal(code, exitCodes.ok, `${words.join(' ')}: ${stderr}\n${output}`);
      return stdout;
    },
    async untilEvent(node, message) {
      const reader = openStateReader(state);
      const look = async () =>
        (await reader.events()).find((each) => each.node === node && message.test(each.message));
      const { signal } = t;
      const found = await awaitChange(look, {
        ...{ signal, clock: systemClock, timeoutMs: limitMs },
        subscribe: (listener) => reader.onChange(listener),
      });
      await reader.close();
      assert.equal(found.kind, 'found', `never: ${node} ${message}\n${output}`);
    },
  };
}

test('run --simulated', bounded, async (t) => {
  const bench = await start(t);
  await t.test('a cluster from manifest to job, with trouble on the way', async () => {
    const ready = ['wait', '--for=condition=Ready', '--timeout', '1m', 'cluster/demo'];
    await bench.done(...ready);
    assert.match(bench.output(), /^SIMULATED, at 60 times real speed/m);
    assert.match(bench.output(), /"simulated":true/);
    const clusters = await bench.command('get', 'clusters');
    assert.match(clusters.stdout, /^demo +True +slurm +1\/1 +2\/2/m);
    assert.match(clusters.stderr, /SIMULATED/);
    assert.equal((await stat(join(bench.state, 'run/simulation.sock'))).mode & 0o777, 0o600);

    const submit = ['simulate', 'submit', 'demo', '--nodes', '2', '--minutes', '1', '--wait'];
    assert.match(await bench.done(...submit), /job 1 has ended: it ran on demo-compute-\[0-1\]\n$/);
    assert.equal(await bench.done('simulate', 'queue', 'demo'), 'no jobs\n');

    await bench.done('simulate', 'crash', 'demo-compute-0');
    await bench.untilEvent('demo-compute-0', /crashed/);
    await bench.done(...ready);
    await bench.done('simulate', 'drain', 'demo-compute-1');
    await bench.untilEvent('demo-compute-1', /benchctl simulate/);
    await bench.done('simulate', 'resume', 'demo-compute-1');
    await bench.done(...ready);

    assert.match(await bench.done('plan'), /nothing to do/i);
    assert.match(await bench.done('image', 'list'), /local/);

    await bench.done('simulate', 'host-down', 'local');
    const reachable = (answer: string) =>
      bench.done('wait', `--for=condition=HostReachable=${answer}`, 'cluster/demo');
    await reachable('False');
    await bench.done('simulate', 'host-up', 'local');
    await reachable('True');
  });
  await t.test('what it refuses, and how it ends', async () => {
    const refused = async (words: string[], why: RegExp) => {
      const { code, stderr } = await bench.command(...words);
      assert.equal(code, exitCodes.failed, words.join(' '));
      assert.match(stderr, why);
    };
    const nobody = /no VM nobody in namespace default\nnext: {2}benchctl get nodes -A\n/;
    await refused(['simulate', 'destroy', 'nobody'], nobody);
    await refused(['simulate', 'host-down', 'nowhere'], /no cluster is on a host nowhere/);
    const nothing = /cluster nothing has no head.*\nnext: {2}benchctl get clusters -A\n/;
    await refused(['simulate', 'queue', 'nothing'], nothing);
    await refused(['doctor'], /has nothing for benchctl doctor\nnext: {2}benchctl simulate --help/);
    await refused(['run', '--simulated'], /another controller.*\nnext: {2}end that one first, or/);
    bench.controller.kill('SIGTERM');
    const [code] = await once(bench.controller, 'exit', { signal: t.signal });
    assert.equal(code, 0, bench.output());
    const gone = /world does not run\nnext: {2}benchctl run --simulated/;
    await refused(['simulate', 'destroy', 'demo-head-0'], gone);
    await refused(['run'], /holds the state of a simulated installation\nnext: .*--state/);
  });
});
