/**
 * Whether KVM can really be used here, by trying it.
 * A /dev/kvm that exists and opens proves little: nested virtualisation may refuse a processor model
 * or hang in the kernel's first instructions. So QEMU is run as libvirt's QEMU user, first with a boot
 * sector of four instructions, then, where a kernel is known, until that kernel prints its first line.
 */

import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { labPath } from './privileges.ts';

/** `mov al, 0x10; out 0xf4, al; cli; hlt`: QEMU's debug device ends with status 0x10 << 1 | 1. */
const BOOT_CODE = [0xb0, 0x10, 0xe6, 0xf4, 0xfa, 0xf4];
const BOOT_STATUS = 33;
const TRIAL_MS = 15_000;

export type KvmVerdict = { usable: true } | { usable: false; reason: string };

type Trial = { status: number | null; output: string };

export async function probeKvm(kernel?: string): Promise<KvmVerdict> {
  if (!existsSync('/dev/kvm')) return { usable: false, reason: '/dev/kvm is not there' };
  const folder = await mkdtemp(join(tmpdir(), 'kvm-probe-'));
  try {
    return await tryBoots(folder, kernel);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function tryBoots(folder: string, kernel: string | undefined): Promise<KvmVerdict> {
  const sector = Buffer.alloc(512);
  sector.set(BOOT_CODE);
  sector.writeUInt16LE(0xaa55, 510);
  // The QEMU user may not enter the folders of root: everything it reads is copied to its own place.
  await chmod(folder, 0o755);
  const file = join(folder, 'boot.bin');
  await writeFile(file, sector, { mode: 0o644 });
  const debug = ['-device', 'isa-debug-exit,iobase=0xf4,iosize=1'];
  const first = await runQemu([...debug, '-drive', `file=${file},format=raw,if=ide,readonly=on`]);
  if (first.status !== BOOT_STATUS) {
    return { usable: false, reason: `a boot sector does not run: ${lastLine(first)}` };
  }
  if (kernel === undefined) return { usable: true };
  const copy = join(folder, 'kernel');
  await copyFile(kernel, copy);
  await chmod(copy, 0o644);
  const kernelLine = ['-append', 'console=ttyS0 panic=-1', '-serial', 'stdio', '-no-reboot'];
  const second = await runQemu(['-kernel', copy, ...kernelLine]);
  return second.output.includes('Linux version')
    ? { usable: true }
    : { usable: false, reason: `the kernel ${kernel} does not boot: ${lastLine(second)}` };
}

function runQemu(args: readonly string[]): Promise<Trial> {
  // The QEMU user is libvirt-qemu on Debian and its children, qemu elsewhere.
  const script =
    'user=$(getent passwd libvirt-qemu qemu | head -n 1 | cut -d: -f1); ' +
    'exec setpriv --reuid "$user" --regid "$(id -g "$user")" --init-groups "$@"';
  const qemu = 'qemu-system-x86_64 -accel kvm -cpu host -m 256 -display none -nodefaults';
  return new Promise((resolve) => {
    execFile(
      'sh',
      ['-c', script, 'sh', ...qemu.split(' '), ...args],
      { timeout: TRIAL_MS, killSignal: 'SIGKILL', env: { ...process.env, PATH: labPath() } },
      (error, stdout, stderr) => {
        const status = error === null ? 0 : typeof error.code === 'number' ? error.code : null;
        resolve({ status, output: `${stdout}\n${stderr}` });
      },
    );
  });
}

function lastLine(trial: Trial): string {
  const lines = trial.output.split('\n').filter((line) => line.trim() !== '');
  return lines.at(-1) ?? (trial.status === null ? 'no answer in time' : `status ${trial.status}`);
}
