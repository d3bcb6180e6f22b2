// Domains: metadata, devices, resources and what the guest or its leases tell (program REMOTE).

import {
  array,
  i32,
  i64,
  optional,
  size,
  str,
  struct,
  typedParameter,
  u32,
  wordOf,
} from '../codec.ts';
import { domain } from './handle.ts';
import { command, procedure, slow } from './procedure.ts';

const withXml = struct({ domain, xml: str, flags: u32 });
const withFlags = struct({ domain, flags: u32 });
const withPath = struct({ domain, path: str, flags: u32 });

export const setMetadata = command(
  264,
  'DOMAIN_SET_METADATA',
  struct({
    domain,
    type: i32,
    metadata: optional(str),
    key: optional(str),
    uri: optional(str),
    flags: u32,
  }),
);
export const getMetadata = procedure(
  265,
  'DOMAIN_GET_METADATA',
  struct({ domain, type: i32, uri: optional(str), flags: u32 }),
  str,
);

const interfaceAddress = struct({
  family: wordOf(['ipv4', 'ipv6']),
  address: str,
  prefix: u32,
});
export const interfaceAddresses = procedure(
  353,
  'DOMAIN_INTERFACE_ADDRESSES',
  struct({ domain, source: u32, flags: u32 }),
  array(struct({ name: str, mac: optional(str), addresses: array(interfaceAddress, 2048) }), 2048),
);

export const attachDevice = command(160, 'DOMAIN_ATTACH_DEVICE_FLAGS', withXml, slow);
export const detachDevice = command(161, 'DOMAIN_DETACH_DEVICE_FLAGS', withXml, slow);
export const updateDevice = command(174, 'DOMAIN_UPDATE_DEVICE_FLAGS', withXml, slow);
export const setMemory = command(
  204,
  'DOMAIN_SET_MEMORY_FLAGS',
  struct({ domain, memoryKib: size, flags: u32 }),
);
export const setVcpus = command(
  199,
  'DOMAIN_SET_VCPUS_FLAGS',
  struct({ domain, count: u32, flags: u32 }),
);
export const getVcpus = procedure(200, 'DOMAIN_GET_VCPUS_FLAGS', withFlags, i32);
export const getBlockInfo = procedure(
  194,
  'DOMAIN_GET_BLOCK_INFO',
  withPath,
  struct({ allocationBytes: size, capacityBytes: size, physicalBytes: size }),
);
export const getBlockStats = procedure(
  64,
  'DOMAIN_BLOCK_STATS',
  struct({ domain, path: str }),
  struct({ readRequests: i64, readBytes: i64, writeRequests: i64, writeBytes: i64, errors: i64 }),
);
export const blockResize = command(
  251,
  'DOMAIN_BLOCK_RESIZE',
  struct({ domain, disk: str, size, flags: u32 }),
);
/** The OK reply opens a stream in both directions. */
export const openConsole = command(
  201,
  'DOMAIN_OPEN_CONSOLE',
  struct({ domain, device: optional(str), flags: u32 }),
);

export const getHostname = procedure(277, 'DOMAIN_GET_HOSTNAME', withFlags, str);
export const getGuestInfo = procedure(
  418,
  'DOMAIN_GET_GUEST_INFO',
  struct({ domain, types: u32, flags: u32 }),
  array(typedParameter, 2048),
  slow,
);
export const getMessages = procedure(426, 'DOMAIN_GET_MESSAGES', withFlags, array(str, 2048));
export const agentSetResponseTimeout = procedure(
  420,
  'DOMAIN_AGENT_SET_RESPONSE_TIMEOUT',
  struct({ domain, seconds: i32, flags: u32 }),
  i32,
);
