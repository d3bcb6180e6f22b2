// The QEMU program: the guest agent only. The monitor passthrough of the same program is left out
// on purpose, it changes guests behind libvirt's back.

import { i32, optional, str, struct, u32 } from '../codec.ts';
import { PROGRAM_QEMU } from '../frame.ts';
import { domain } from './handle.ts';
import { procedure } from './procedure.ts';

export const agentCommand = procedure(
  3,
  'QEMU_DOMAIN_AGENT_COMMAND',
  struct({ domain, command: str, timeoutSeconds: i32, flags: u32 }),
  optional(str),
  { program: PROGRAM_QEMU },
);
