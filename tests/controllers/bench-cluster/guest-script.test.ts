/** The shell text of our own commands, run by the real /bin/sh with a systemd that only notes. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import fc from 'fast-check';
import {
  factsScript,
  parseFacts,
  startUnitScript,
} from '../../../src/controllers/bench-cluster/guest-script.ts';

const directories: string[] = [];
after(() => {
  for (const directory of directories) rmSync(directory, { recursive: true, force: true });
});

/** A machine of its own in a directory: commands by name, and what they have noted. */
class Machine {
  readonly root = mkdtempSync(join(tmpdir(), 'benchcluster-guest-'));

  constructor() {
    directories.push(this.root);
    mkdirSync(join(this.root, 'bin'));
    this.command('systemctl', 'echo "systemctl $*" >> "$ROOT/calls"; echo inactive');
    this.command('systemd-run', 'echo "systemd-run $*" >> "$ROOT/calls"');
    this.command('chown', 'echo "chown $*" >> "$ROOT/calls"');
    this.command('journalctl', 'echo "noise of $2"');
  }

  command(name: string, body: string): void {
    const path = join(this.root, 'bin', name);
    writeFileSync(path, `#!/bin/sh\n${body}\n`);
    chmodSync(path, 0o755);
  }

  run(script: string): { status: number | null; stdout: string; stderr: string } {
    const own = script.replaceAll('/run/benchcluster', `${this.root}/run`);
    const env = { PATH: `${this.root}/bin:/usr/sbin:/usr/bin:/sbin:/bin`, ROOT: this.root };
    return spawnSync('/bin/sh', { input: own, env, encoding: 'utf8', timeout: 20_000 });
  }

  read(path: string): string {
    return readFileSync(join(this.root, path), 'utf8');
  }

  get calls(): string {
    return this.read('calls');
  }
}

describe('the start of a unit', () => {
  const fileOf = (machine: Machine, content: string | Uint8Array) => ({
    path: `${machine.root}/etc/deep/er/a file`,
    mode: '0640',
    owner: 'slurm:slurm',
    content: Buffer.from(content),
  });

  test('writes the files with mode and owner, and runs the script as a unit of its name', () => {
    const machine = new Machine();
    const script = startUnitScript('join-1', [fileOf(machine, 'a\nb')], 'echo hello');
    const { status, stderr } = machine.run(script);
    assert.equal(status, 0, stderr);
    assert.equal(machine.read('etc/deep/er/a file'), 'a\nb');
    assert.equal(statSync(join(machine.root, 'etc/deep/er/a file')).mode & 0o777, 0o640);
    assert.match(machine.calls, /chown slurm:slurm .*a file\.benchcluster/);
    assert.match(
      machine.calls,
      /systemd-run .*--unit=benchcluster-join-1\.service .*RemainAfterExit/,
    );
    assert.equal(machine.read('run/join-1.sh'), 'echo hello');
    assert.equal(machine.read('run/join-1.attempts'), '1\n');
  });

  test('leaves new directories open to the user that has to read in them', () => {
    const machine = new Machine();
    machine.run(startUnitScript('x', [fileOf(machine, '')], ''));
    assert.equal(statSync(join(machine.root, 'etc/deep')).mode & 0o777, 0o755);
    assert.equal(statSync(join(machine.root, 'run')).mode & 0o777, 0o700);
  });

  for (const state of ['active', 'activating']) {
    test(`does nothing while the unit is ${state}`, () => {
      const machine = new Machine();
      machine.run(startUnitScript('x', [fileOf(machine, 'old')], ''));
      const { calls } = machine;
      machine.command('systemctl', `echo ${state}`);
      const { status } = machine.run(startUnitScript('x', [fileOf(machine, 'new')], ''));
      assert.equal(status, 0);
      assert.equal(machine.read('etc/deep/er/a file'), 'old');
      assert.equal(machine.calls, calls);
    });
  }

  test('resets a failed unit, writes anew and counts the attempt', () => {
    const machine = new Machine();
    machine.command('systemctl', 'echo "systemctl $*" >> "$ROOT/calls"; echo failed');
    machine.run(startUnitScript('x', [fileOf(machine, 'old')], ''));
    machine.run(startUnitScript('x', [fileOf(machine, 'new')], ''));
    assert.equal(machine.read('etc/deep/er/a file'), 'new');
    assert.equal(machine.read('run/x.attempts'), '2\n');
    assert.match(machine.calls, /systemctl reset-failed benchcluster-x\.service/);
  });

  test('fails when the unit fails, and when a file cannot be written', () => {
    const machine = new Machine();
    machine.command('systemd-run', 'exit 3');
    assert.equal(machine.run(startUnitScript('x', [], '')).status, 3);
    machine.command('chown', 'exit 1');
    const result = machine.run(startUnitScript('x', [fileOf(machine, 'new')], ''));
    assert.notEqual(result.status, 0);
    assert.throws(() => machine.read('etc/deep/er/a file'), /ENOENT/, 'not half of it either');
  });

  test('the content of a file is on no command line', () => {
    const machine = new Machine();
    machine.run(startUnitScript('x', [fileOf(machine, 'hunter2')], 'echo hunter3'));
    assert.doesNotMatch(machine.calls, /hunter/);
  });

  test('whatever bytes a file has, these are what arrives', () => {
    const machine = new Machine();
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.constantFrom('', '\0', 'bc1-end\n', "'; rm -rf /; '", 'x'.repeat(57), 'x'.repeat(114)),
    );
    const path = fc.constantFrom('plain', "it's", '$(x)', 'a b', '-n', 'ü');
    fc.assert(
      fc.property(bytes, path, (content, name) => {
        const file = { ...fileOf(machine, content), path: `${machine.root}/f/${name}` };
        const { status, stderr } = machine.run(startUnitScript('x', [file], 'true'));
        assert.equal(status, 0, stderr);
        assert.deepEqual(readFileSync(file.path), Buffer.from(content));
      }),
      { numRuns: 15 },
    );
  });
});

describe('the facts of a guest', () => {
  const units = `Id=benchcluster-a.service
ActiveState=failed
Result=exit-code
ExecMainStatus=7
InactiveEnterTimestampMonotonic=1000000

Id=benchcluster-b.service
ActiveState=active
Result=success
ExecMainStatus=0
InactiveEnterTimestampMonotonic=0
`;

  function machineWithUnits(): Machine {
    const machine = new Machine();
    writeFileSync(join(machine.root, 'units'), units);
    machine.command(
      'systemctl',
      'case $1 in show) cat "$ROOT/units" ;; list-units) echo "benchcluster-a.service loaded" ;; esac',
    );
    mkdirSync(join(machine.root, 'run'));
    writeFileSync(join(machine.root, 'run', 'a.attempts'), '4\n');
    return machine;
  }

  test('are those of the machine, with its units and what the module asks for', () => {
    const { stdout } = machineWithUnits().run(factsScript('echo mine', 'echo view; exit 5'));
    const { facts, schedulerFacts, view } = parseFacts(stdout);
    assert.match(facts.bootId, /^[0-9a-f-]{36}$/);
    assert.equal(facts.cpus, Number(execFileSync('nproc', { encoding: 'utf8' })));
    assert.ok(facts.memoryMiB > 100);
    const [failed, active] = facts.units;
    assert.deepEqual(
      { ...failed, endedSecondsAgo: undefined },
      {
        ...{ name: 'benchcluster-a.service', activeState: 'failed', result: 'exit-code' },
        ...{ exitStatus: 7, attempts: 4, journalTail: 'noise of benchcluster-a.service\n' },
        endedSecondsAgo: undefined,
      },
    );
    assert.ok((failed?.endedSecondsAgo ?? 0) > 1);
    assert.equal(active?.activeState, 'active');
    assert.equal(active?.endedSecondsAgo, undefined);
    assert.equal(schedulerFacts, 'mine');
    assert.deepEqual(view, { exitCode: 5, output: 'view' });
  });

  const fragments: [string, string, string][] = [
    ['has no line break at its end', 'printf abc', 'abc'],
    ['prints nothing', 'true', ''],
    ['ends with an empty line', 'printf "a\\n\\n"', 'a\n'],
    ['fails', 'echo x; exit 9', 'x'],
    ['stops at an unset variable', 'set -eu; echo x; echo $nothing; echo y', 'x'],
    ['reads what is not meant for it', 'cat; echo x', 'x'],
    ['claims to be whole', 'echo bc1:complete=1', 'bc1:complete=1'],
    ['claims to be another', 'echo bc1:hostname=evil', 'bc1:hostname=evil'],
    [
      'ends its section by itself',
      'echo bc1:end=facts/$nonce; echo bc1:end=view; echo bc1:hostname=evil',
      'bc1:end=facts/\nbc1:end=view\nbc1:hostname=evil',
    ],
    [
      'opens another section',
      'echo bc1:begin=view/1; echo bc1:end=view/1',
      'bc1:begin=view/1\nbc1:end=view/1',
    ],
  ];
  for (const [name, fragment, expected] of fragments) {
    test(`a module’s fragment that ${name} spoils nothing`, () => {
      const { stdout } = new Machine().run(factsScript(fragment, fragment));
      const { schedulerFacts, view, facts } = parseFacts(stdout);
      assert.equal(schedulerFacts, expected);
      assert.ok(view?.output.startsWith(expected));
      assert.notEqual(facts.hostname, 'evil');
    });
  }

  test('each call has marks of its own, and a section without them is none', () => {
    const script = factsScript('echo mine');
    const [one, two] = [new Machine(), new Machine()].map((machine) => machine.run(script).stdout);
    const marks = [one, two].map(
      (stdout) => /begin=facts\/([0-9a-f-]{36})/.exec(stdout ?? '')?.[1],
    );
    assert.ok(marks[0] && marks[1] && marks[0] !== marks[1]);
    assert.throws(() => parseFacts((one ?? '').replace(`/${marks[0]}`, '')), SyntaxError);
  });

  test('errors of the view are part of its output', () => {
    const { stdout } = new Machine().run(factsScript('true', 'echo oops >&2; exit 1'));
    assert.deepEqual(parseFacts(stdout).view, { exitCode: 1, output: 'oops' });
  });

  test('an answer that is cut anywhere is refused', () => {
    const { stdout } = machineWithUnits().run(factsScript('echo mine', 'echo view'));
    const whole = stdout.trimEnd();
    for (let length = 0; length < whole.length; length += 1) {
      assert.throws(() => parseFacts(stdout.slice(0, length)), SyntaxError);
    }
    assert.throws(() => parseFacts(stdout, true), /too long/, 'cut in the middle');
  });

  for (const [name, bad] of [
    ['no number of CPUs', 'bc1:cpus='],
    ['a word for a number', 'bc1:cpus=many'],
    ['a negative number', 'bc1:cpus=-1'],
    ['a number in another way of writing', 'bc1:cpus=0x10'],
  ] as const) {
    test(`${name} is refused`, () => {
      const { stdout } = new Machine().run(factsScript('true'));
      assert.throws(() => parseFacts(stdout.replace(/bc1:cpus=.*/, bad)), /no number in cpus/);
    });
  }

  test('a greeting before and noise between do not matter', () => {
    const { stdout } = machineWithUnits().run(factsScript('echo mine'));
    const noisy = `Welcome!\n=\nbc1\n${stdout.replace('bc1:cpus', 'warning: x\nbc1:cpus')}bye`;
    assert.equal(parseFacts(noisy).schedulerFacts, 'mine');
    assert.equal(parseFacts(noisy).facts.units.length, 2);
  });

  test('no text makes it throw anything but a SyntaxError', () => {
    const { stdout } = machineWithUnits().run(factsScript('echo mine', 'echo view'));
    const lines = stdout.split('\n');
    const line = fc.oneof(
      fc.constantFrom(...lines, 'bc1:unit.__proto__=x', 'bc1:__proto__=x', 'bc1:end=view'),
      fc.string({ unit: 'binary' }),
    );
    fc.assert(
      fc.property(fc.array(line, { maxLength: 40 }), (some) => {
        try {
          parseFacts(some.join('\n'));
        } catch (error) {
          assert.ok(error instanceof SyntaxError, String(error));
        }
      }),
      { numRuns: 500 },
    );
  });
});
