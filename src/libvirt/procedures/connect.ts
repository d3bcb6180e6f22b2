// Session, host and event registration (program REMOTE).

import {
  array,
  bool,
  charArray,
  i32,
  nothing,
  optional,
  size,
  str,
  struct,
  u32,
} from '../codec.ts';
import { domain, network, pool } from './handle.ts';
import { command, high, procedure, slow } from './procedure.ts';

export const authList = procedure(66, 'AUTH_LIST', nothing, array(i32, 20), high);
export const authPolkit = procedure(70, 'AUTH_POLKIT', nothing, bool, slow);
export const connectOpen = command(1, 'CONNECT_OPEN', struct({ name: optional(str), flags: u32 }));
export const connectClose = command(2, 'CONNECT_CLOSE', nothing);
export const supportsFeature = procedure(
  60,
  'CONNECT_SUPPORTS_FEATURE',
  struct({ feature: i32 }),
  bool,
);

export const getType = procedure(3, 'CONNECT_GET_TYPE', nothing, str);
export const getVersion = procedure(4, 'CONNECT_GET_VERSION', nothing, size, slow);
export const getLibVersion = procedure(157, 'CONNECT_GET_LIB_VERSION', nothing, size);
export const getHostname = procedure(59, 'CONNECT_GET_HOSTNAME', nothing, str);
export const getUri = procedure(110, 'CONNECT_GET_URI', nothing, str);
export const getCapabilities = procedure(7, 'CONNECT_GET_CAPABILITIES', nothing, str, slow);
export const getMaxVcpus = procedure(
  5,
  'CONNECT_GET_MAX_VCPUS',
  struct({ type: optional(str) }),
  i32,
);
export const getDomainCapabilities = procedure(
  342,
  'CONNECT_GET_DOMAIN_CAPABILITIES',
  struct({
    emulator: optional(str),
    arch: optional(str),
    machine: optional(str),
    virtType: optional(str),
    flags: u32,
  }),
  str,
  slow,
);

export const nodeInfo = struct({
  model: charArray(32),
  memoryKib: size,
  cpus: i32,
  mhz: i32,
  nodes: i32,
  sockets: i32,
  cores: i32,
  threads: i32,
});
export const nodeGetInfo = procedure(6, 'NODE_GET_INFO', nothing, nodeInfo);
export const nodeGetFreeMemory = procedure(102, 'NODE_GET_FREE_MEMORY', nothing, size);

const nodeStats = struct({ stats: array(struct({ field: str, value: size }), 1024), count: i32 });
export const nodeGetMemoryStats = procedure(
  228,
  'NODE_GET_MEMORY_STATS',
  struct({ count: i32, cell: i32, flags: u32 }),
  nodeStats,
);
export const nodeGetCpuStats = procedure(
  227,
  'NODE_GET_CPU_STATS',
  struct({ cpu: i32, count: i32, flags: u32 }),
  nodeStats,
);

const callback = struct({ callbackId: i32 });
export const registerDomainEvent = procedure(
  316,
  'CONNECT_DOMAIN_EVENT_CALLBACK_REGISTER_ANY',
  struct({ eventId: i32, domain: optional(domain) }),
  i32,
  high,
);
export const deregisterDomainEvent = command(
  317,
  'CONNECT_DOMAIN_EVENT_CALLBACK_DEREGISTER_ANY',
  callback,
  high,
);
export const registerNetworkEvent = procedure(
  313,
  'CONNECT_NETWORK_EVENT_REGISTER_ANY',
  struct({ eventId: i32, network: optional(network) }),
  i32,
  high,
);
export const deregisterNetworkEvent = command(
  314,
  'CONNECT_NETWORK_EVENT_DEREGISTER_ANY',
  callback,
  high,
);
export const registerPoolEvent = procedure(
  368,
  'CONNECT_STORAGE_POOL_EVENT_REGISTER_ANY',
  struct({ eventId: i32, pool: optional(pool) }),
  i32,
  high,
);
export const deregisterPoolEvent = command(
  369,
  'CONNECT_STORAGE_POOL_EVENT_DEREGISTER_ANY',
  callback,
  high,
);
