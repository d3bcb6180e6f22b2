import { after, before, describe } from 'node:test';
import type { Lab } from '../../lab/lab.ts';
import { startLab } from '../../lab/start.ts';
import { qemuSuite } from './libvirt-qemu-suite.ts';

describe('libvirtd, qemu:///system', { timeout: 180_000 }, () => {
  let lab: Lab;
  before(async () => {
    lab = await startLab({ kvm: 'off' });
  });
  after(() => lab?.stop());
  qemuSuite(() => lab);
});
