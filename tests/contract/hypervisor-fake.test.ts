/** The fake hypervisor keeps the same contract as the real one. */
import { createHash } from 'node:crypto';
import { systemClock } from '../../src/lib/clock.ts';
import { SimHypervisor } from '../../src/sim/hypervisor.ts';
import { hypervisorConformance } from './hypervisor-suite.ts';

hypervisorConformance('fake hypervisor', async () => {
  const sha256 = createHash('sha256').update('a disk of 8 MiB').digest('hex');
  const file = { sha256, bytes: 65_536, capacityBytes: 8 * 2 ** 20 };
  const hypervisor = new SimHypervisor({
    clock: systemClock,
    sender: {
      installation: '00000000-0000-4000-8000-000000000000',
      fileAt: (path) => (path === '/image' ? file : undefined),
    },
  });
  return {
    hypervisor,
    image: (volume) => ({ volume, sourcePath: '/image', sha256 }),
    foreignDomain: async (domain) => hypervisor.addForeignDomain(domain),
    foreignNetwork: async (network) => hypervisor.addNetwork(network),
    restartDaemon: async () => hypervisor.restartDaemon(),
    undefineByHand: async (uuid) => hypervisor.disturb(uuid, 'undefine'),
    close: async () => undefined,
  };
});
