/**
 * Drills B13 and B14: two guests, each a real sshd in a network of its own whose users' shell logs
 * every command. At one guest's address another machine appears (other host key), and then two
 * guests swap their addresses again and again while commands are sent to both.
 */
import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type GuestTarget, PortError } from '../../src/controllers/ports.ts';
import { SshGuestRunner } from '../../src/drivers/ssh/guest-runner.ts';
import { generateEd25519 } from '../../src/drivers/ssh/keys.ts';
import { canStartSshd, type PrivateSshd, startSshd } from '../support/private-sshd.ts';

const uuids = ['3f2b8c1e-1111-4000-8000-000000000001', '3f2b8c1e-2222-4000-8000-000000000002'];
const addresses = ['10.9.0.2', '10.9.0.3'];
const port = 2022;
const impostors = 30;
const swaps = 10;
const commandsPerSwap = 10;
const key = generateEd25519('controller');

describe('drills B13 and B14', { skip: canStartSshd() ?? false, timeout: 240_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'swapped-'));
  const guests: PrivateSshd[] = [];
  let runner: SshGuestRunner;
  /** Which guest is at which address now. */
  let at: readonly number[] = [0, 1];

  const commandsOn = (guest: number): string => {
    const file = join(folder, `commands-${guest}`);
    return existsSync(file) ? readFileSync(file, 'utf8') : '';
  };
  const guest = (index: number): PrivateSshd => guests[index] ?? assert.fail();
  const target = (index: number, address: string): GuestTarget => ({
    ...{ host: 'h', node: `node-${index}`, uuid: uuids[index] ?? '', address, user: 'root' },
    hostKey: guest(index).hostKey,
  });

  before(async () => {
    for (const [index, productUuid] of uuids.entries()) {
      const log = join(folder, `commands-${index}`);
      const shell = join(folder, `shell-${index}`);
      // All that is asked for, and all that the shell reads, as it was sent.
      writeFileSync(shell, `#!/bin/sh\ntee -a ${log} | /bin/sh -s\n`);
      chmodSync(shell, 0o755);
      const more = { ownNetwork: true, address: '0.0.0.0', port, productUuid };
      guests.push(
        await startSshd({
          ...more,
          users: [{ name: 'root', authorizedKeys: [key.publicKey] }],
          config: { LogLevel: 'DEBUG1', ForceCommand: shell },
        }),
      );
    }
    runner = new SshGuestRunner({
      identity: async () => ({ kind: 'key', privateKey: key.privateKey, name: 'test key' }),
      // The network: whoever has the address now answers.
      dialGuest: (_host, address) => {
        const owner = at[addresses.indexOf(address)] ?? assert.fail();
        return guest(owner).dial();
      },
      port,
    });
  });
  after(async () => {
    await runner?.close();
    for (const sshd of guests) await sshd.stop();
    rmSync(folder, { recursive: true });
  });

  it('B13: another host key at the same address is refused during the key exchange', async (t) => {
    at = [1, 0];
    for (let time = 0; time < impostors; time += 1) {
      const run = runner.run(target(0, addresses[0] ?? ''), `echo ${time}`, {
        ...{ timeoutMs: 10_000, signal: AbortSignal.timeout(20_000) },
      });
      await assert.rejects(run, (error) => error instanceof PortError);
      runner.forget(uuids[0] ?? '');
    }
    const log = guest(1).log();
    const met = log.match(/Connection from/g)?.length ?? 0;
    const authentication = /userauth|authenticating user|publickey|Accepted|Failed|Postponed/gi;
    const words = log.match(authentication) ?? [];
    t.diagnostic(
      `B13: ${impostors} connections to an impostor, ${met} seen by it, ${words.length} words of ` +
        `authentication in its log, ${commandsOn(1).length} bytes of commands`,
    );
    assert.equal(met, impostors);
    assert.deepEqual(words, []);
    assert.equal(commandsOn(1), '');
  });

  it('B14: two guests that swap addresses get no command that was meant for the other', async (t) => {
    let done = 0;
    let refused = 0;
    for (let swap = 0; swap < swaps; swap += 1) {
      at = [swap % 2, 1 - (swap % 2)];
      const runs = Array.from({ length: commandsPerSwap }, async (_, time) => {
        const index = time % 2;
        // Every other one goes to the address that the guest had before.
        const address = addresses[time % 4 < 2 ? at.indexOf(index) : at.indexOf(1 - index)] ?? '';
        const script = `: meant-for-${index}-${swap}-${time}\n`;
        const outcome = await runner
          .run(target(index, address), script, {
            ...{ timeoutMs: 20_000, signal: AbortSignal.timeout(30_000) },
          })
          .catch((error: unknown) => error);
        if (outcome instanceof PortError) refused += 1;
        else if (outcome instanceof Error) throw outcome;
        else done += 1;
      });
      await Promise.all(runs);
      for (const uuid of uuids) runner.forget(uuid);
    }
    const meant = (here: number, forGuest: number) =>
      commandsOn(here).match(new RegExp(`meant-for-${forGuest}-`, 'g'))?.length ?? 0;
    t.diagnostic(
      `B14: ${swaps} swaps of two addresses, ${done} commands done, ${refused} refused, ` +
        `${meant(0, 1) + meant(1, 0)} on the wrong guest`,
    );
    assert.equal(meant(0, 1) + meant(1, 0), 0);
    assert.equal(meant(0, 0) + meant(1, 1), done);
    assert.ok(done > 20 && refused > 20, `${done} done, ${refused} refused`);
  });
});
