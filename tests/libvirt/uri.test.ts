import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { InvalidArgument } from '../../src/libvirt/error.ts';
import { parseLibvirtUri, socketCandidates } from '../../src/libvirt/uri.ts';

describe('libvirt URIs', () => {
  it('without transport and host are local', () => {
    const { driver, transport, host, name } = parseLibvirtUri('qemu:///system');
    assert.deepEqual(
      [driver, transport, host, name],
      ['qemu', 'unix', undefined, 'qemu:///system'],
    );
  });

  it('with a host and no transport mean TLS', () => {
    assert.equal(parseLibvirtUri('qemu://host/system').transport, 'tls');
  });

  it('over SSH carry user, host, port and parameters', () => {
    const uri = parseLibvirtUri(
      'qemu+ssh://bench%40corp@[2001:db8::1]:2222/system?keyfile=/k%20ey&known_hosts=/kh&socket=/s',
    );
    assert.equal(uri.transport, 'ssh');
    assert.equal(uri.user, 'bench@corp');
    assert.equal(uri.host, '2001:db8::1');
    assert.equal(uri.port, 2222);
    assert.equal(uri.keyfile, '/k ey');
    assert.equal(uri.knownHosts, '/kh');
    assert.equal(uri.socket, '/s');
    assert.equal(uri.name, 'qemu:///system');
    assert.equal(uri.knownHostsVerify, 'normal');
  });

  it('keep for CONNECT_OPEN what is not meant for the client', () => {
    assert.equal(parseLibvirtUri('x+unix:///p?a=1&mode=direct').name, 'x:///p?a=1');
    assert.equal(
      parseLibvirtUri('qemu+ssh://h/system?name=test:///default').name,
      'test:///default',
    );
    assert.equal(parseLibvirtUri('qemu+ssh://h/system?no_verify=1').knownHostsVerify, 'ignore');
  });

  it('that make no sense are refused', () => {
    for (const text of [
      '',
      'qemu',
      'qemu:/system',
      'qemu+carrier-pigeon://h/system',
      'qemu+ssh:///system',
      'qemu+ssh+tls://h/system',
      'qemu+ssh://user:secret@host/system',
      'qemu+ssh://h/system?known_hosts_verify=perhaps',
      'qemu+ssh://%zz@h/system',
    ]) {
      assert.throws(() => parseLibvirtUri(text), InvalidArgument, text);
    }
  });

  it('lead to the sockets to try, in order', () => {
    const candidates = (text: string, runtime?: string) =>
      socketCandidates(parseLibvirtUri(text), runtime);
    const system = ['/run/libvirt/virtqemud-sock', '/run/libvirt/libvirt-sock'];
    assert.deepEqual(candidates('qemu:///system'), system);
    assert.deepEqual(candidates('qemu:///system?mode=legacy'), system.slice(1));
    assert.deepEqual(candidates('qemu:///system?socket=/x'), ['/x']);
    assert.deepEqual(candidates('test:///default'), system.slice(1));
    assert.deepEqual(candidates('qemu:///session', '/run/user/1'), [
      '/run/user/1/libvirt/virtqemud-sock',
      '/run/user/1/libvirt/libvirt-sock',
    ]);
  });
});
