/** The modelled shell against /bin/sh: what a script prints and how it ends is the same. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { NotModelledError } from '../../src/sim/shell/syntax.ts';
import { modelledPlace } from '../contract/slurm-model-place.ts';

const scripts = [
  `a='x y'; for i in $a z; do echo "<$i>"; done; echo "\${a%% *}|\${a#* }|\${a##*x}|\${a%y}|\${b:-none}"`,
  `f() { echo "in $1"; return 3; }; f q || echo "status $?"; if f z; then echo no; else echo yes; fi`,
  `x=$(printf 'a\\nb\\n'); case $x in *'\n'b) echo lines ;; *) echo other ;; esac`,
  `set -e; false || echo tested; ! false; n=0; until [ "$n" -ge 3 ]; do n=$((n + 1)); done; echo $n; (exit 4) || echo "sub $?"; false; echo never`,
  `set -u; echo "$none"; echo never`,
  `h='CPUs=2 Boards=1 RealMemory=103'; m=\${h##* RealMemory=}; echo $(((m - 4) / 16 * 16)) "\${h%% RealMemory=*}"`,
  `cat >/tmp/model-shell <<end
a "quoted" $(echo word) \\$kept
end
read -r one two </tmp/model-shell; echo "$one+$two"; rm /tmp/model-shell`,
  `printf '%s-%s\\n' a b c; printf '%s' plain; echo; { echo out; echo err >&2; } 2>/dev/null`,
  `printf 'b\\na\\n' | sort | while read -r line; do echo "[$line]"; done; echo end | grep -qE 'e(n|x)d' && echo found`,
  `g() { echo "$V"; }; V=2 g; set -- p "q r"; echo "$# $2"; unset V; echo "\${V:-unset}"`,
  `case disk in d* | e*) echo glob ;; esac; case 'a*b' in 'a*'b) echo literal ;; esac; [ -n "x" ] && [ -z "" ] && echo tests`,
];

for (const [index, script] of scripts.entries()) {
  test(`script ${index + 1} does what it does in /bin/sh`, async () => {
    const place = modelledPlace(['machine']);
    await place.powerOn('machine');
    const modelled = await place.run('machine', script);
    const real = spawnSync('/bin/sh', ['-c', script], { encoding: 'utf8' });
    assert.equal(modelled.stdout, real.stdout);
    assert.equal(modelled.exitCode, real.status);
  });
}

test('what runs in the background runs beside the script, and is waited for', async () => {
  const place = modelledPlace(['machine']);
  await place.powerOn('machine');
  const script = '(sleep 2; echo ended >/tmp/x) & sleep 1; cat /tmp/x; wait; cat /tmp/x';
  const began = place.now();
  const { stdout } = await place.run('machine', script);
  assert.equal(stdout, 'ended\n');
  assert.ok(place.now() - began < 2500);
});

for (const script of [
  'frobnicate --all',
  'scontrol top 5',
  'echo `date`',
  'grep -P x y',
  'kill 1',
]) {
  test(`nothing is guessed: ${script}`, async () => {
    const place = modelledPlace(['machine']);
    await place.powerOn('machine');
    await assert.rejects(place.run('machine', script), NotModelledError);
  });
}
