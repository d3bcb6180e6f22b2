/** The driver on the libvirt of a lab, as the contract of a hypervisor wants it. */
import type { LabOptions } from '../../lab/start.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { openHypervisorLab } from './hypervisor-lab.ts';
import type { Subject } from './hypervisor-suite.ts';

export async function libvirtSubject(options: LabOptions = {}): Promise<Subject> {
  const lab = await openHypervisorLab(systemClock, options);
  const { hypervisor, define, virsh, file, close } = lab;
  const image = file('image', 2 ** 20);
  return {
    hypervisor,
    close,
    image: (volume) => ({ ...image, volume }),
    foreignDomain: ({ name, uuid, files }) =>
      define(
        ['define'],
        `<domain type='qemu'><name>${name}</name><uuid>${uuid}</uuid><memory>65536</memory>
          <os><type>hvm</type></os><devices>${files
            .map((path) => `<disk type='file'><source file='${path}'/><target dev='sda'/></disk>`)
            .join('')}</devices></domain>`,
      ),
    foreignNetwork: ({ name, uuid }) =>
      define(
        ['net-define'],
        `<network><name>${name}</name><uuid>${uuid}</uuid>
          <ip address='10.79.0.1' prefix='24'/></network>`,
      ),
    restartDaemon: () => lab.restartDaemon({ kill: true }),
    undefineByHand: async (uuid) => {
      await virsh('undefine', uuid);
    },
  };
}
