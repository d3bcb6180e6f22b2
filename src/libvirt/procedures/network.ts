// Virtual networks (program REMOTE).

import {
  array,
  bool,
  i32,
  i64number,
  mapped,
  optional,
  str,
  struct,
  u32,
  uuid,
  wordOf,
} from '../codec.ts';
import { listArgs, listOf, network } from './handle.ts';
import { command, high, procedure, slow } from './procedure.ts';

const target = struct({ network });

export const listAllNetworks = procedure(
  283,
  'CONNECT_LIST_ALL_NETWORKS',
  listArgs,
  listOf(network),
  high,
);
export const lookupByName = procedure(
  46,
  'NETWORK_LOOKUP_BY_NAME',
  struct({ name: str }),
  network,
  high,
);
export const lookupByUuid = procedure(
  47,
  'NETWORK_LOOKUP_BY_UUID',
  struct({ uuid }),
  network,
  high,
);
export const defineXml = procedure(41, 'NETWORK_DEFINE_XML', struct({ xml: str }), network, high);
export const createXml = procedure(40, 'NETWORK_CREATE_XML', struct({ xml: str }), network, slow);
export const create = command(39, 'NETWORK_CREATE', target, slow);
export const destroy = command(42, 'NETWORK_DESTROY', target, { ...high, ...slow });
export const undefine = command(49, 'NETWORK_UNDEFINE', target, high);
export const getXml = procedure(
  43,
  'NETWORK_GET_XML_DESC',
  struct({ network, flags: u32 }),
  str,
  high,
);
export const getBridgeName = procedure(45, 'NETWORK_GET_BRIDGE_NAME', target, str, high);
export const getAutostart = procedure(44, 'NETWORK_GET_AUTOSTART', target, bool, high);
export const setAutostart = command(
  48,
  'NETWORK_SET_AUTOSTART',
  struct({ network, autostart: bool }),
  high,
);
export const isActive = procedure(152, 'NETWORK_IS_ACTIVE', target, bool, high);
export const isPersistent = procedure(153, 'NETWORK_IS_PERSISTENT', target, bool, high);

const LEASE_LIMIT = 65_536;
export const lease = struct({
  interface: str,
  expirySeconds: i64number,
  family: wordOf(['ipv4', 'ipv6']),
  mac: optional(str),
  iaid: optional(str),
  address: str,
  prefix: u32,
  hostname: optional(str),
  clientId: optional(str),
});
export const getDhcpLeases = procedure(
  341,
  'NETWORK_GET_DHCP_LEASES',
  struct({ network, mac: optional(str), needResults: i32, flags: u32 }),
  mapped(
    struct({ leases: array(lease, LEASE_LIMIT), total: u32 }),
    ({ leases }) => leases,
    (leases) => ({ leases, total: leases.length }),
  ),
);

// Daemons before 7.2 read the first two words the other way round; see NetworkCalls.update.
export const update = command(
  291,
  'NETWORK_UPDATE',
  struct({ network, first: u32, second: u32, parentIndex: i32, xml: str, flags: u32 }),
  high,
);
