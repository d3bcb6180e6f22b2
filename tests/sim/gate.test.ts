/**
 * The gate under faults of what it plays: each ends as one failed run with its number, a short run
 * to read and the line that has it again; and words that name nothing are told what may stand there.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Player } from './gate-batch.ts';
import { NothingNamed, replayFile, tellPair, tellPlan, tellSeed } from './gate-one.ts';
import { play } from './swarm/play.ts';
import { inThreads } from './threads.ts';

const silent = () => {};
const gate = fileURLToPath(new URL('./gate.ts', import.meta.url));

/** What is thrown, in a run that is over as soon as it has chosen something. */
function faulty(reach: () => void): Player {
  return (choice) => {
    choice.choose(9, 'first');
    choice.choose(9, 'second');
    reach();
    return { trace: [], hash: 'same', reached: {}, effects: 0, crashes: 0 };
  };
}

async function told(player: Player): Promise<string[]> {
  const lines: string[] = [];
  const exitCode = await tellSeed(7, (line) => lines.push(line), { player, limitMs: 1000 });
  assert.equal(exitCode, 1);
  return lines;
}

for (const [what, reach, id] of [
  ['an error', () => assert.fail('planted'), 'thrown AssertionError'],
  ['what reaches for the time', () => void Date.now(), 'thrown TrapError'],
] as const) {
  test(`${what} in a run is made smaller and replays`, async () => {
    const player = faulty(reach);
    const lines = await told(player);
    assert.equal(lines.filter((line) => line.startsWith(`FAILED ${id}`)).length, 2, lines.join());
    assert.ok(
      lines.some((line) => line.includes(' 0 choices that are not quiet')),
      lines.join(),
    );
    assert.equal(lines.at(-1), 'the seed:  npm run sim -- --seed 7');
    const [, file = ''] = /--replay (\S+)$/.exec(lines.at(-2) ?? '') ?? [];
    const again: string[] = [];
    assert.equal(await replayFile(file, (line) => again.push(line), player), 1);
    assert.match(again.at(-1) ?? '', new RegExp(`^FAILED ${id}`));
    // The run of another commit: it is told, and nothing else is.
    const others: string[] = [];
    assert.equal(await replayFile(file, (line) => others.push(line), play), 1);
    assert.match(others.at(-1) ?? '', /^FAILED thrown DivergenceError/);
  });
}

/** Preloaded into all threads of the gate: one file is read with one text replaced. */
function planted(file: string, from: string, to: string): string {
  const hook = `import { registerHooks } from 'node:module';
    registerHooks({ load(url, context, next) {
      const loaded = next(url, context);
      if (!url.endsWith(${JSON.stringify(file)})) return loaded;
      const source = String(loaded.source);
      if (!source.includes(${JSON.stringify(from)})) throw new Error('nowhere to plant');
      return { ...loaded, source: source.replace(${JSON.stringify(from)}, ${JSON.stringify(to)}) };
    } });`;
  return `data:text/javascript,${encodeURIComponent(hook)}`;
}

function gateWith(hook: string, ...words: string[]): Promise<{ exitCode: unknown; text: string }> {
  const args = ['--import', hook, gate, ...words, '--threads', '1'];
  return new Promise((resolve) => {
    execFile(process.execPath, args, (error, stdout, stderr) => {
      resolve({ exitCode: error?.code ?? 0, text: stdout + stderr });
    });
  });
}

test('a rejection that nobody waits for fails its seed, and the gate comes to its end', async () => {
  const floats = "void Promise.reject(new Error('floating'));";
  const hook = planted('swarm/play.ts', 'const town =', `${floats} const town =`);
  const { exitCode, text } = await gateWith(hook, '--seed', '3');
  assert.equal(exitCode, 1, text);
  assert.match(
    text,
    /^FAILED thrown Error: Error: floating[\s\S]*\nthis run: {2}npm run sim -- --replay /m,
  );
  assert.match(text, /\nthe seed: {2}npm run sim -- --seed 3\n$/);
});

test('a run that ends its thread is named by its number, and the others are played', async () => {
  const dead: string[] = [];
  const done: number[] = [];
  const source = `import { parentPort } from 'node:worker_threads';
    parentPort.on('message', ({ seeds: { from, to } }) => {
      if (from <= 4 && to > 4) process.exit(9);
      parentPort.postMessage({ seeds: to - from });
    });`;
  const thread = new URL(`data:text/javascript,${encodeURIComponent(source)}`);
  await inThreads(
    1,
    [{ seeds: { from: 3, to: 6 } }],
    (part) => done.push('seeds' in part ? part.seeds.from : 0),
    { died: (line) => dead.push(line), thread },
  );
  assert.deepEqual(done, [3, 5]);
  assert.deepEqual(dead, ['seed 4 (npm run sim -- --seed 4): its thread ended with exit code 9']);
});

test('words that name nothing are told what may stand there', async () => {
  const asked: [() => Promise<number>, RegExp][] = [
    [() => tellPlan('kill 7 create', silent), /of one death, crash, view and create/],
    [() => tellPlan('crash 7 nothing', silent), /create and delete/],
    [() => tellPlan('view 99999 create', silent), /there are 0 to \d+$/],
    [() => tellPair('base', silent), /"a -> b" of two of base/],
    [() => tellSeed(Number('x'), silent), /a whole number/],
    [() => replayFile('/nowhere', silent), /no recorded run/],
  ];
  for (const [ask, says] of asked) {
    await assert.rejects(ask, (thrown) => {
      return thrown instanceof NothingNamed && says.test(thrown.message);
    });
  }
});

test('the line that a failure of a plan prints is taken as it stands', async () => {
  for (const name of ['one death 7 create', 'crash 7 create', 'view 3 create']) {
    assert.equal(await tellPlan(name, silent), 0, name);
  }
});
