// Domains: existence, power, state and statistics (program REMOTE).
// Devices, metadata and what the guest tells are in domain-detail.ts.

import {
  array,
  bool,
  i32,
  optional,
  size,
  str,
  struct,
  typedParameter,
  u32,
  u64,
  uuid,
  wordOf,
} from '../codec.ts';
import { domain, foundDomain, LIST_LIMIT, listArgs, listOf } from './handle.ts';
import { command, high, procedure, slow } from './procedure.ts';

const target = struct({ domain });
const withFlags = struct({ domain, flags: u32 });
const xmlFlags = struct({ xml: str, flags: u32 });

export const domainState = wordOf([
  'nostate',
  'running',
  'blocked',
  'paused',
  'shutdown',
  'shutoff',
  'crashed',
  'pmsuspended',
]);

export const listAllDomains = procedure(
  273,
  'CONNECT_LIST_ALL_DOMAINS',
  listArgs,
  listOf(foundDomain),
  high,
);
export const lookupById = procedure(
  22,
  'DOMAIN_LOOKUP_BY_ID',
  struct({ id: i32 }),
  foundDomain,
  high,
);
export const lookupByName = procedure(
  23,
  'DOMAIN_LOOKUP_BY_NAME',
  struct({ name: str }),
  foundDomain,
  high,
);
export const lookupByUuid = procedure(
  24,
  'DOMAIN_LOOKUP_BY_UUID',
  struct({ uuid }),
  foundDomain,
  high,
);
// The host may probe QEMU first, which takes half a minute where /dev/kvm is broken.
export const defineXml = procedure(350, 'DOMAIN_DEFINE_XML_FLAGS', xmlFlags, foundDomain, {
  ...high,
  ...slow,
});
export const create = procedure(196, 'DOMAIN_CREATE_WITH_FLAGS', withFlags, foundDomain, slow);
export const createXml = procedure(10, 'DOMAIN_CREATE_XML', xmlFlags, foundDomain, slow);
export const destroy = command(234, 'DOMAIN_DESTROY_FLAGS', withFlags, { ...high, ...slow });
export const shutdown = command(258, 'DOMAIN_SHUTDOWN_FLAGS', withFlags);
export const reboot = command(27, 'DOMAIN_REBOOT', withFlags);
export const reset = command(245, 'DOMAIN_RESET', withFlags);
export const suspend = command(34, 'DOMAIN_SUSPEND', target);
export const resume = command(28, 'DOMAIN_RESUME', target);
export const undefine = command(231, 'DOMAIN_UNDEFINE_FLAGS', withFlags, high);
export const getXml = procedure(14, 'DOMAIN_GET_XML_DESC', withFlags, str);
export const getState = procedure(
  212,
  'DOMAIN_GET_STATE',
  withFlags,
  struct({ state: domainState, reason: i32 }),
  high,
);
export const getInfo = procedure(
  16,
  'DOMAIN_GET_INFO',
  target,
  struct({
    state: domainState,
    maxMemoryKib: size,
    memoryKib: size,
    vcpus: i32,
    cpuTimeNs: u64,
  }),
);
export const isActive = procedure(150, 'DOMAIN_IS_ACTIVE', target, bool, high);
export const isPersistent = procedure(151, 'DOMAIN_IS_PERSISTENT', target, bool, high);
export const getAutostart = procedure(15, 'DOMAIN_GET_AUTOSTART', target, bool, high);
export const setAutostart = command(
  29,
  'DOMAIN_SET_AUTOSTART',
  struct({ domain, autostart: bool }),
  high,
);
// The number that it returns is always zero.
export const rename = procedure(
  358,
  'DOMAIN_RENAME',
  struct({ domain, name: optional(str), flags: u32 }),
  i32,
);
export const getAllStats = procedure(
  344,
  'CONNECT_GET_ALL_DOMAIN_STATS',
  struct({ domains: array(domain, LIST_LIMIT), stats: u32, flags: u32 }),
  array(struct({ domain: foundDomain, parameters: array(typedParameter, 262_144) }), LIST_LIMIT),
);
export const memoryStats = procedure(
  159,
  'DOMAIN_MEMORY_STATS',
  struct({ domain, limit: u32, flags: u32 }),
  array(struct({ tag: i32, value: size }), 1024),
);
export const managedSaveRemove = command(184, 'DOMAIN_MANAGED_SAVE_REMOVE', withFlags);
export const hasManagedSave = procedure(183, 'DOMAIN_HAS_MANAGED_SAVE_IMAGE', withFlags, bool);
export const abortJob = command(164, 'DOMAIN_ABORT_JOB', target, high);
