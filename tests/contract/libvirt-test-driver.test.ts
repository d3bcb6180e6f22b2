import { after, before, describe } from 'node:test';
import type { Lab } from '../../lab/lab.ts';
import { startLab } from '../../lab/start.ts';
import { libvirtSuite, testDriver } from './libvirt-suite.ts';

describe('libvirtd, test:///default', { timeout: 120_000 }, () => {
  let lab: Lab;
  before(async () => {
    lab = await startLab({ kvm: 'off' });
  });
  after(() => lab?.stop());
  libvirtSuite(testDriver, () => lab);
});
