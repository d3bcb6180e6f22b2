/** The fake hypervisor keeps the same contract as the real one. */
import { createHash } from 'node:crypto';
import { systemClock } from '../../src/lib/clock.ts';
import { SimHypervisor } from '../../src/sim/hypervisor.ts';
import { hypervisorConformance } from './hypervisor-suite.ts';

/** The header of a qcow2 file of 8 MiB, which is all that the fake looks at. */
function qcow2(): Buffer {
  const bytes = Buffer.alloc(65_536);
  bytes.writeUInt32BE(0x514649fb, 0);
  bytes.writeUInt32BE(3, 4);
  bytes.writeBigUInt64BE(BigInt(8 * 2 ** 20), 24);
  return bytes;
}

hypervisorConformance('fake hypervisor', async () => {
  const bytes = qcow2();
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const hypervisor = new SimHypervisor({
    clock: systemClock,
    readSource: async (path) => {
      if (path !== '/image') throw new Error(`no file ${path}`);
      return bytes;
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
