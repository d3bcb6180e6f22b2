// Storage pools and volumes (program REMOTE). Upload and download open a stream by their OK reply.

import { bool, i32, size, str, struct, u32, uuid, wordOf } from '../codec.ts';
import { foundVolume, listArgs, listOf, pool, volume } from './handle.ts';
import { command, copying, high, procedure, slow } from './procedure.ts';

const target = struct({ pool });
const withFlags = struct({ pool, flags: u32 });
const xmlFlags = struct({ xml: str, flags: u32 });

export const listAllPools = procedure(
  281,
  'CONNECT_LIST_ALL_STORAGE_POOLS',
  listArgs,
  listOf(pool),
  high,
);
export const lookupPoolByName = procedure(
  84,
  'STORAGE_POOL_LOOKUP_BY_NAME',
  struct({ name: str }),
  pool,
  high,
);
export const lookupPoolByUuid = procedure(
  85,
  'STORAGE_POOL_LOOKUP_BY_UUID',
  struct({ uuid }),
  pool,
  high,
);
export const lookupPoolByTargetPath = procedure(
  391,
  'STORAGE_POOL_LOOKUP_BY_TARGET_PATH',
  struct({ path: str }),
  pool,
);
export const definePool = procedure(77, 'STORAGE_POOL_DEFINE_XML', xmlFlags, pool, high);
export const createPoolXml = procedure(76, 'STORAGE_POOL_CREATE_XML', xmlFlags, pool, slow);
export const buildPool = command(79, 'STORAGE_POOL_BUILD', withFlags, slow);
export const createPool = command(78, 'STORAGE_POOL_CREATE', withFlags, slow);
export const refreshPool = command(83, 'STORAGE_POOL_REFRESH', withFlags, slow);
export const destroyPool = command(80, 'STORAGE_POOL_DESTROY', target, high);
export const deletePool = command(81, 'STORAGE_POOL_DELETE', withFlags, slow);
export const undefinePool = command(82, 'STORAGE_POOL_UNDEFINE', target, high);
export const poolInfo = struct({
  state: wordOf(['inactive', 'building', 'running', 'degraded', 'inaccessible']),
  capacityBytes: size,
  allocationBytes: size,
  availableBytes: size,
});
export const getPoolInfo = procedure(87, 'STORAGE_POOL_GET_INFO', target, poolInfo, high);
export const getPoolXml = procedure(88, 'STORAGE_POOL_GET_XML_DESC', withFlags, str, high);
export const getPoolAutostart = procedure(89, 'STORAGE_POOL_GET_AUTOSTART', target, bool, high);
export const setPoolAutostart = command(
  90,
  'STORAGE_POOL_SET_AUTOSTART',
  struct({ pool, autostart: bool }),
  high,
);
export const isPoolActive = procedure(154, 'STORAGE_POOL_IS_ACTIVE', target, bool, high);
export const isPoolPersistent = procedure(155, 'STORAGE_POOL_IS_PERSISTENT', target, bool, high);

export const listAllVolumes = procedure(
  282,
  'STORAGE_POOL_LIST_ALL_VOLUMES',
  struct({ pool, needResults: i32, flags: u32 }),
  listOf(foundVolume),
  high,
);
export const lookupVolumeByName = procedure(
  95,
  'STORAGE_VOL_LOOKUP_BY_NAME',
  struct({ pool, name: str }),
  foundVolume,
  high,
);
export const lookupVolumeByKey = procedure(
  96,
  'STORAGE_VOL_LOOKUP_BY_KEY',
  struct({ key: str }),
  foundVolume,
  high,
);
export const lookupVolumeByPath = procedure(
  97,
  'STORAGE_VOL_LOOKUP_BY_PATH',
  struct({ path: str }),
  foundVolume,
  high,
);
export const createVolume = procedure(
  93,
  'STORAGE_VOL_CREATE_XML',
  struct({ pool, xml: str, flags: u32 }),
  foundVolume,
  slow,
);
export const createVolumeFrom = procedure(
  125,
  'STORAGE_VOL_CREATE_XML_FROM',
  struct({ pool, xml: str, source: volume, flags: u32 }),
  foundVolume,
  copying,
);
const volumeFlags = struct({ volume, flags: u32 });
export const deleteVolume = command(94, 'STORAGE_VOL_DELETE', volumeFlags, slow);
export const volumeInfo = struct({
  type: wordOf(['file', 'block', 'dir', 'network', 'netdir', 'ploop']),
  capacityBytes: size,
  allocationBytes: size,
});
export const getVolumeInfo = procedure(
  98,
  'STORAGE_VOL_GET_INFO',
  struct({ volume }),
  volumeInfo,
  high,
);
export const getVolumePath = procedure(100, 'STORAGE_VOL_GET_PATH', struct({ volume }), str, high);
export const getVolumeXml = procedure(99, 'STORAGE_VOL_GET_XML_DESC', volumeFlags, str, high);
export const resizeVolume = command(
  260,
  'STORAGE_VOL_RESIZE',
  struct({ volume, capacityBytes: size, flags: u32 }),
  slow,
);
const range = struct({ volume, offset: size, length: size, flags: u32 });
export const uploadVolume = command(208, 'STORAGE_VOL_UPLOAD', range);
export const downloadVolume = command(209, 'STORAGE_VOL_DOWNLOAD', range);
