/** What people and daemons do to a Slurm, and what then is: of the model as of the real one. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { ModelCluster } from './slurm-model-cluster.ts';
import type { Place } from './slurm-model-place.ts';

const idle = 'IDLE+DYNAMIC_NORM';
const killed = 'kill -9 "$(systemctl show -p MainPID slurmctld | cut -d= -f2)"';
const dropIn = '/etc/systemd/system/slurmd.service.d/20-benchcluster-join.conf';

export function slurmModelSuite(
  name: string,
  place: () => Promise<Place>,
  options: { skip: string | false },
): void {
  describe(name, { ...options, timeout: 120_000 }, () => {
    let cluster: ModelCluster;
    const settled = (...nodes: string[]) =>
      Promise.all(nodes.map((node) => cluster.untilState(node, idle)));

    before(async () => {
      cluster = new ModelCluster(await place(), ['one', 'two']);
      await cluster.form();
    });

    after(() => cluster?.place.stop());

    test('two workers join the head that was formed', async () => {
      await settled('one', 'two');
      const { stdout } = await cluster.head('sinfo -h -o "%R %D" | sort');
      assert.equal(stdout, 'all 2\ncompute 2\n');
    });

    test('what cannot be is refused with its reason', async () => {
      const refusals: [string, number, RegExp][] = [
        ['scontrol show node -o none', 1, /Node none not found/],
        ['scontrol update nodename=none state=drain reason=x', 1, /Invalid node name specified/],
        ['scontrol delete nodename=none', 1, /Invalid node name specified/],
        ['scontrol update nodename=one state=drain', 1, /must specify a reason/],
        ['scontrol update nodename=one state=resume', 1, /Invalid node state specified/],
        ['squeue -h -j 999999 -o %T', 1, /Invalid job id specified/],
      ];
      for (const [script, exitCode, message] of refusals) {
        const result = await cluster.head(script);
        assert.equal(result.exitCode, exitCode, script);
        assert.match(`${result.stdout}${result.stderr}`, message, script);
      }
    });

    test('a busy node is not deleted, is drained by the last reason, and comes back', async () => {
      const job = await cluster.submit('one');
      const refused = await cluster.head('scontrol delete nodename=one');
      assert.equal(refused.exitCode, 1);
      assert.match(refused.stderr, /Requested nodes are busy/);
      await cluster.head('scontrol update nodename=one state=drain reason="disk smells"');
      await cluster.head('scontrol update nodename=one state=drain reason="second one"');
      assert.deepEqual(await cluster.node('one'), {
        state: 'MIXED+DRAIN+DYNAMIC_NORM',
        reason: 'second one by root',
        registered: true,
      });
      await cluster.head(`scancel ${job}`);
      await cluster.untilState('one', 'IDLE+DRAIN+DYNAMIC_NORM');
      await cluster.head('scontrol update nodename=one state=resume');
      assert.deepEqual(await cluster.node('one'), {
        state: `${idle}+NOT_RESPONDING`,
        registered: false,
      });
      await settled('one');
      await cluster.head('scontrol update nodename=one state=drain reason=again');
      await cluster.head('scontrol update nodename=one state=undrain');
      assert.deepEqual(await cluster.node('one'), {
        state: `${idle}+NOT_RESPONDING`,
        registered: false,
      });
      await settled('one');
    });

    test('a drain is lost by kill -9 a second after it, and the job waits anew', async () => {
      // After a rest the submission is written at once, and nothing more for five seconds.
      await cluster.place.sleep(7000);
      const job = await cluster.submit('one');
      const drain = 'scontrol update nodename=one state=drain reason=lost';
      await cluster.head(`${drain}; sleep 1; ${killed}`);
      await cluster.head('systemctl start slurmctld');
      await cluster.until('it answers', async () => {
        return (await cluster.head('scontrol ping')).exitCode === 0;
      });
      assert.deepEqual(await cluster.node('one'), { state: idle, registered: false });
      assert.notEqual(await cluster.job(job), 'RUNNING one');
      await cluster.head(`scancel ${job}`);
    });

    test('an orderly restart keeps a drain; nodes register some seconds later', async () => {
      await cluster.head('scontrol update nodename=two state=drain reason=kept');
      await cluster.head('systemctl stop slurmctld');
      const down = await cluster.head('scontrol ping');
      assert.deepEqual([down.exitCode, / is DOWN/.test(down.stdout)], [1, true]);
      const asked = await cluster.head('timeout 1 scontrol show nodes -o');
      assert.deepEqual([asked.exitCode, asked.stdout], [124, '']);
      await cluster.head('systemctl start slurmctld');
      await cluster.until('it answers', async () => {
        return (await cluster.head('scontrol ping')).exitCode === 0;
      });
      const drained = 'IDLE+DRAIN+DYNAMIC_NORM';
      const reason = 'kept by root';
      assert.deepEqual(await cluster.node('two'), { state: drained, reason, registered: false });
      await cluster.untilState('two', drained);
      await cluster.head('scontrol update nodename=two state=resume');
      await settled('one', 'two');
    });

    test('a deleted node registers again when its slurmd starts again', async () => {
      assert.equal((await cluster.head('scontrol delete nodename=two')).exitCode, 0);
      assert.equal(await cluster.node('two'), undefined);
      await cluster.place.run('two', 'systemctl restart slurmd');
      await settled('two');
    });

    test('another munge key opens nothing, and the right one all', async () => {
      const change = async (byte: number) => {
        const key = Uint8Array.from({ length: 128 }, (_, index) => (index * 37 + byte) % 256);
        await cluster.place.run('two', 'systemctl stop slurmd; systemctl stop munge');
        await cluster.place.write('two', '/etc/munge/munge.key', key, 'munge:munge');
        await cluster.place.run('two', 'systemctl start munge; systemctl start slurmd');
      };
      await change(99);
      await cluster.place.sleep(1500);
      const asked = await cluster.place.run('two', 'scontrol show node -o two');
      assert.equal(asked.exitCode, 1);
      assert.match(asked.stderr, /Zero Bytes were transmitted or received/);
      const { exitCode } = await cluster.place.run('two', 'systemctl is-active --quiet slurmd');
      assert.notEqual(exitCode, 0);
      await change(11);
      await settled('two');
    });

    test('a slurmd elsewhere of the same name with fewer CPUs spoils the record', async () => {
      const own = (await cluster.place.run('two', `cat ${dropIn}`)).stdout;
      const false_ = own.replace('-N two', '-N one').replace(/CPUs=\d+/, 'CPUs=1');
      const restart = 'systemctl daemon-reload; systemctl restart slurmd';
      await cluster.place.write('two', dropIn, Buffer.from(false_), 'root:root');
      await cluster.place.run('two', restart);
      const spoilt = 'IDLE+DRAIN+DYNAMIC_NORM+INVALID_REG';
      await cluster.untilState('one', spoilt);
      assert.equal((await cluster.node('one'))?.reason, 'Low CPUs by slurm');
      const resumed = await cluster.head('scontrol update nodename=one state=resume');
      assert.equal(resumed.exitCode, 1);
      await cluster.head('scontrol update nodename=one state=down reason=off');
      await cluster.untilState('one', 'DOWN+DRAIN+DYNAMIC_NORM+INVALID_REG');
      await cluster.place.write('two', dropIn, Buffer.from(own), 'root:root');
      await cluster.place.run('two', restart);
      await cluster.place.run('one', 'systemctl restart slurmd');
      await cluster.untilState('one', 'IDLE+DRAIN+DYNAMIC_NORM');
      await cluster.head('scontrol update nodename=one state=resume');
      await settled('one', 'two');
    });

    test('slurm.conf with a fault stops every program, and a plugin that is not there slurmctld', async () => {
      const conf = '/etc/slurm/slurm.conf';
      const good = (await cluster.head(`cat ${conf}`)).stdout;
      const put = (text: string) =>
        cluster.place.write('head', conf, Buffer.from(text), 'root:root');
      const restart = 'systemctl stop slurmctld; systemctl start slurmctld; sleep 1';
      const restarted = `${restart}; systemctl is-active --quiet slurmctld`;
      const faults: [string, RegExp][] = [
        [`${good}NoSuchParameter=1\n`, /unrecognized key: NoSuchParameter/],
        [good.replace('KillWait=30', 'KillWait=abc'), /KillWait value "abc" is not a valid number/],
      ];
      for (const [text, message] of faults) {
        await put(text);
        const asked = await cluster.head('scontrol ping');
        assert.equal(asked.exitCode, 1);
        assert.match(asked.stderr, message);
        assert.match(asked.stderr, /Unable to process configuration file/);
      }
      await put(good.replace('sched/backfill', 'sched/none-such'));
      assert.equal((await cluster.head('scontrol ping')).exitCode, 0, 'clients take it');
      assert.notEqual((await cluster.head(restarted)).exitCode, 0);
      await put(good);
      assert.equal((await cluster.head(restarted)).exitCode, 0);
    });

    test('a node without power holds its job until it is called down, and then it may go', async () => {
      const job = await cluster.submit('two');
      await cluster.place.powerOff('two');
      assert.equal((await cluster.node('two'))?.state, 'MIXED+DYNAMIC_NORM');
      assert.equal((await cluster.head('scontrol delete nodename=two')).exitCode, 1);
      await cluster.head('scontrol update nodename=two state=down reason=off');
      await cluster.until('the job waits', async () => (await cluster.job(job)) === 'PENDING');
      assert.match((await cluster.node('two'))?.state ?? '', /^DOWN\+DYNAMIC_NORM/);
      assert.equal((await cluster.head('scontrol delete nodename=two')).exitCode, 0);
      assert.equal(await cluster.node('two'), undefined);
      assert.equal(await cluster.job(job), 'PENDING');
    });
  });
}
