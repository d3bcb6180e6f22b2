import { after, before, describe } from 'node:test';
import type { Lab } from '../../lab/lab.ts';
import { startLab } from '../../lab/start.ts';
import { clientSuite } from './libvirt-client-suite.ts';

describe('a client of a libvirtd that comes and goes', { timeout: 120_000 }, () => {
  let lab: Lab;
  before(async () => {
    lab = await startLab({ kvm: 'off' });
  });
  after(() => lab?.stop());
  clientSuite(() => lab);
});
