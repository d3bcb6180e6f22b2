/** A path may be written in many ways; who needs a volume is found by all of them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { unreadableVolume } from '../../../src/drivers/libvirt/read-host.ts';
import { overlayOf, usesVolume } from '../../../src/drivers/libvirt/volume-users.ts';

const name = 'debian-0123456789ab.qcow2';
const pool = { handle: { name: 'default', uuid: '' }, path: '/pool/images', availableBytes: 0 };

test('an overlay is found however its base is written', () => {
  const over = (backingPath?: string) => [
    {
      ...unreadableVolume('over.qcow2', '/pool/images/over.qcow2'),
      ...(backingPath && { backingPath }),
    },
  ];
  for (const base of [
    `/pool/images/${name}`,
    `/pool/images/./${name}`,
    `/pool//images/../images/${name}`,
    `/a/link/to/the/pool/${name}`,
    `file:${name}`,
    `json:{"driver":"qcow2","file":{"driver":"file","filename":"\\/pool\\/images\\/${name}"}}`,
  ]) {
    assert.equal(overlayOf(name, over(base))?.name, 'over.qcow2', base);
  }
  for (const base of [undefined, '/pool/images/other.qcow2', `/pool/images/my-${name}`]) {
    assert.equal(overlayOf(name, over(base)), undefined, base);
  }
});

test('a domain uses a file however its path is written, and not its namesake elsewhere', () => {
  const domain = (file: string) => ({
    ...{ name: 'd', uuid: '', macs: [], networks: [], volumes: [], agentConnected: false },
    files: ['/other', file],
  });
  for (const path of ['/pool/images', '/pool//images', '/pool/images/.', '/pool/x/../images']) {
    assert.ok(usesVolume(pool, name, domain(`${path}/${name}`)), path);
  }
  assert.ok(!usesVolume(pool, name, domain(`/another-pool/${name}`)));
});
