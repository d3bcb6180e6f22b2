// What may still be wrong when SSH itself works: libvirt is not behind it, or not the right machine.

import { SshError } from './error.ts';

export class LibvirtUnreachable extends SshError {
  constructor(host: string, reason: string, hint: string, cause?: unknown) {
    super('LIBVIRT_UNREACHABLE', `libvirt of ${host} cannot be reached over SSH: ${reason}`, {
      host,
      hint,
      cause,
    });
  }
}

export class WrongMachine extends SshError {
  readonly expected: string;
  readonly found: string;

  constructor(host: string, expected: string, found: string) {
    super('WRONG_MACHINE', `${host} is machine ${found}, not ${expected}; nothing was run there`, {
      host,
      hint: 'the address belongs to another machine now; its address is looked up again',
    });
    this.expected = expected;
    this.found = found;
  }
}

export class MachineUnidentified extends SshError {
  constructor(host: string, user: string, reason: string) {
    super('MACHINE_UNIDENTIFIED', `${host} does not say which machine it is: ${reason}`, {
      host,
      hint: `log in as root, or allow ${user} to run "sudo -n cat /sys/class/dmi/id/product_uuid"`,
    });
  }
}
