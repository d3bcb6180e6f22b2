import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseHypervisorUri } from '../../../src/drivers/ssh/hypervisor-uri.ts';

test('a URI as virsh takes it is read', () => {
  assert.deepEqual(parseHypervisorUri('qemu+ssh://bench@rhodey/system'), {
    host: 'rhodey',
    port: 22,
    user: 'bench',
    connectUri: 'qemu:///system',
  });
  const full =
    'qemu+ssh://bench@[fe80::1]:2222/system?socket=/run/x&keyfile=/k&known_hosts=%2Fh%20h';
  assert.deepEqual(parseHypervisorUri(full), {
    host: 'fe80::1',
    port: 2222,
    user: 'bench',
    connectUri: 'qemu:///system',
    socket: '/run/x',
    keyFile: '/k',
    knownHostsFile: '/h h',
  });
});

for (const uri of [
  'qemu:///system',
  'qemu+tls://host/system',
  'qemu+ssh://host/system', // no user: ours is not to be guessed
  'qemu+ssh://@host/system',
  'qemu+ssh://-oProxyCommand=id@host/system',
  'qemu+ssh://bench@-oProxyCommand=id/system',
  'qemu+ssh://bench@ho$(id)st/system',
  'qemu+ssh://bench@/system',
  'qemu+ssh://bench@host:0/system',
  'qemu+ssh://bench@host:99999/system',
  'qemu+ssh://bench@host:/system',
  "qemu+ssh://bench@host/sys'tem",
  'qemu+ssh://bench@host/system?no_verify=1',
  'qemu+ssh://bench@host/system?command=/bin/evil',
  'qemu+ssh://bench@host/system?socket=relative',
  'qemu+ssh://bench@host/system?socket=/a%00b',
]) {
  test(`${uri} is refused`, () => {
    assert.throws(() => parseHypervisorUri(uri), { code: 'SSH_TARGET_INVALID' });
  });
}
