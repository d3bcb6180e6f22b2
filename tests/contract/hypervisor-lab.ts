/** Real libvirt for the hypervisor's tests: a private lab, its driver, and the hands of strangers. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Lab } from '../../lab/lab.ts';
import { type LabOptions, startLab } from '../../lab/start.ts';
import type { Artifact, DomainView, Hypervisor } from '../../src/controllers/ports.ts';
import { createHypervisor, type HypervisorOptions } from '../../src/drivers/libvirt/hypervisor.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { createLog } from '../../src/lib/log.ts';
import { dialUnix } from '../../src/libvirt/dial.ts';
import { installation } from '../drivers/libvirt/specs.ts';

export const needsRoot = process.getuid?.() === 0 ? false : 'a private libvirt needs root';

export interface HypervisorLab {
  lab: Lab;
  hypervisor: Hypervisor;
  /** Another controller on the same host; of this installation, unless it is said otherwise. */
  another(poolName?: string, options?: Partial<HypervisorOptions>): Hypervisor;
  virsh(...args: string[]): Promise<string>;
  /** Returns when the driver is connected again. */
  restartDaemon(options: { kill: boolean }): Promise<void>;
  /** A virsh command that takes a file, with this text in it. */
  define(command: string[], xml: string): Promise<void>;
  /** A qcow2 file with that many bytes of data in a disk of 8 MiB or more. */
  file(name: string, dataBytes: number): Artifact;
  close(): Promise<void>;
}

export async function openHypervisorLab(
  clock = systemClock,
  options: LabOptions = {},
): Promise<HypervisorLab> {
  const folder = mkdtempSync(join(tmpdir(), 'hypervisor-'));
  const lab = await startLab({ kvm: 'off', ...options });
  const open = (poolName = 'default', options: Partial<HypervisorOptions> = {}): Hypervisor =>
    createHypervisor({
      dial: dialUnix(lab.socket),
      ...{ poolName, installation, clock, log: createLog('silent') },
      // Volumes that virsh makes come without an event.
      reuseMs: 0,
      ...options,
    });
  const hypervisor = open();
  const virsh = async (...args: string[]): Promise<string> =>
    (await lab.exec(['virsh', ...args])).stdout;
  return {
    lab,
    hypervisor,
    another: open,
    virsh,
    restartDaemon: async (options) => {
      await lab.restartDaemon(options);
      await untilReachable(hypervisor);
    },
    define: async (command, xml) => {
      const words = command.filter((word) => !word.startsWith('-'));
      const flags = command.filter((word) => word.startsWith('-'));
      // By stdin, because a lab of another system does not see our files.
      const pipe = ['sh', '-c', 'cat | virsh "$@"', 'sh'];
      await lab.exec([...pipe, ...words, '/dev/stdin', ...flags], { input: xml });
    },
    file: (name, dataBytes) => makeImage(join(folder, name), dataBytes),
    close: async () => {
      await hypervisor.close();
      await lab.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A listing to compare with another's: a libvirtd that was started again is met by another connection. */
export const withoutConnection = (domains: DomainView[]) =>
  domains.map(({ connection: _, ...domain }) => domain);

export async function untilReachable(hypervisor: Hypervisor): Promise<void> {
  const end = Date.now() + 20_000;
  for (;;) {
    try {
      await hypervisor.inventory(AbortSignal.timeout(60_000));
      return;
    } catch (error) {
      if (Date.now() > end) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

function makeImage(path: string, dataBytes: number): Artifact {
  const size = Math.max(8 * 2 ** 20, dataBytes);
  execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', path, `${size}`]);
  if (dataBytes > 0) {
    execFileSync('qemu-io', ['-c', `write -P 7 0 ${dataBytes}`, path], { stdio: 'ignore' });
  }
  const sha256 = createHash('sha256').update(readFileSync(path)).digest('hex');
  return { volume: `image-${sha256.slice(0, 12)}.qcow2`, sourcePath: path, sha256 };
}
