// The reconnecting client against a libvirtd that is really killed and started again.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { it } from 'node:test';
import type { Lab } from '../../lab/lab.ts';
import { Client } from '../../src/libvirt/client.ts';
import { dialUnix } from '../../src/libvirt/dial.ts';
import { ConnectionLost, isStateRace } from '../../src/libvirt/error.ts';
import { EventLog, outcome } from './libvirt-suite.ts';

export function clientSuite(lab: () => Lab): void {
  for (const kill of [true, false]) {
    it(`reconnects after ${kill ? 'KILL' : 'TERM'}, hears events again, and finds its guests`, async () => {
      const client = new Client({
        dial: dialUnix(lab().socket),
        name: 'qemu:///system',
        events: ['domain-lifecycle'],
      });
      const events = new EventLog();
      client.on('event', events.add);
      client.start();
      try {
        await client.ready({ timeoutMs: 10_000 });
        const domain = await client.domains.define(`<domain type='qemu'><name>kept-${kill}</name>
          <memory unit='MiB'>64</memory><os><type arch='x86_64'>hvm</type></os></domain>`);
        const { id } = await client.domains.create(domain);
        await events.first('domain-lifecycle', 'started');
        const lost = once(client, 'disconnected');
        const back = once(client, 'reconnected');
        const restart = lab().restartDaemon({ kill });
        const [reason] = await lost;
        assert.ok(reason instanceof ConnectionLost);
        await Promise.all([restart, back]);
        assert.equal((await client.domains.lookupByUuid(domain.uuid)).id, id);
        assert.equal((await client.domains.state(domain)).state, 'running');
        events.clear();
        // A daemon that is still finding its guests may answer "not running" to the very call that
        // stopped the guest, and then says no event of it: a state race, so one looks again.
        const destroyed = await outcome(client.domains.destroy(domain));
        assert.ok(destroyed === 'succeeded' || isStateRace(destroyed), String(destroyed));
        assert.equal((await client.domains.state(domain)).state, 'shutoff');
        await client.domains.undefine(domain);
        await events.first('domain-lifecycle', 'undefined');
      } finally {
        await client.close();
      }
    });
  }
}
