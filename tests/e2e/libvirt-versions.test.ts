/**
 * The client and the driver on an older and a newer libvirt than this machine's: the daemon and the
 * QEMU of other Debian suites, each in a lab. The contract tests run on the machine's own.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Lab } from '../../lab/lab.ts';
import { startLab } from '../../lab/start.ts';
import { connect } from '../../src/libvirt/connection.ts';
import { dialUnix } from '../../src/libvirt/dial.ts';
import { libvirtSubject } from '../contract/hypervisor-libvirt.ts';
import { hypervisorConformance } from '../contract/hypervisor-suite.ts';
import { clientSuite } from '../contract/libvirt-client-suite.ts';
import { qemuSuite } from '../contract/libvirt-qemu-suite.ts';
import { libvirtSuite, testDriver } from '../contract/libvirt-suite.ts';
import { debianRoot } from '../support/debian-root.ts';
import { bootGuest } from './boot-guest.ts';

/** What Debian's mirror has beside Debian 12's own 9.0; a stable suite keeps its version. */
const versions = [
  { suite: 'bullseye', libvirt: 7_000_000, bulkState: false, dies: false },
  { suite: 'trixie', libvirt: 11_003_000, bulkState: true, dies: true },
];
const packages = ['libvirt-daemon-system', 'qemu-system-x86', 'qemu-utils', 'dnsmasq-base'];
packages.push('iproute2', 'iptables');

for (const { suite, libvirt, bulkState, dies } of versions) {
  describe(`libvirt ${libvirt} of ${suite}`, { timeout: 900_000 }, () => {
    let root: string;
    let lab: Lab;
    before(async () => {
      root = await debianRoot(suite, packages);
      lab = await startLab({ kvm: 'off', root });
    });
    after(() => lab?.stop());

    it('is that version', async () => {
      using connection = await connect({ dial: dialUnix(lab.socket), name: testDriver.name });
      assert.equal(await connection.host.libVersion(), libvirt);
    });
    describe(testDriver.name, () => libvirtSuite({ ...testDriver, bulkState }, () => lab));
    describe('qemu:///system', () => qemuSuite(() => lab, { dies }));
    describe('a client of a daemon that comes and goes', () => clientSuite(() => lab));
    hypervisorConformance('the hypervisor port', () => libvirtSubject({ root }));
    it('boots a guest as the driver defines it', () => bootGuest({ root }));
  });
}
