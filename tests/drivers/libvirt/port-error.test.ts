/** Every kind of failure of the client, and what the controller is told to do about it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PortErrorCode } from '../../../src/controllers/ports.ts';
import { PortError } from '../../../src/controllers/ports.ts';
import { toPortError } from '../../../src/drivers/libvirt/port-error.ts';
import { XmlFault } from '../../../src/drivers/libvirt/xml.ts';
import {
  AuthUnsupported,
  Cancelled,
  ConnectionLost,
  InvalidArgument,
  LibvirtError,
  ProtocolError,
  QueueFull,
  Timeout,
} from '../../../src/libvirt/error.ts';

function answer(number: number, errno = 0): LibvirtError {
  return new LibvirtError({ number, domain: 10, message: 'why', errno, procedure: 'x' });
}

const refused = new Error('connect ECONNREFUSED');
const rows: [string, unknown, PortErrorCode, PortErrorCode][] = [
  // what happened, error, code on a read, code on a write
  ['no connection', new ConnectionLost('dial', { cause: refused }), 'unreachable', 'unreachable'],
  ['lost before sending', new ConnectionLost('eof'), 'unreachable', 'unreachable'],
  ['lost after sending', new ConnectionLost('eof', { sent: true }), 'unreachable', 'timeout'],
  ['no answer', new Timeout('X', 1, true), 'unreachable', 'timeout'],
  ['not sent in time', new Timeout('X', 1, false), 'unreachable', 'unreachable'],
  ['given up by us', new Cancelled('X', true, undefined), 'cancelled', 'cancelled'],
  ['no way to log in', new AuthUnsupported([1]), 'unreachable', 'unreachable'],
  ['not allowed (polkit)', answer(45), 'unreachable', 'unreachable'],
  ['read only', answer(29), 'unreachable', 'unreachable'],
  ['name is taken', answer(9), 'conflict', 'conflict'],
  ['volume exists', answer(90), 'conflict', 'conflict'],
  ['no KVM here', answer(67), 'rejected', 'rejected'],
  ['bad XML', answer(27), 'rejected', 'rejected'],
  ['call unknown to the daemon', answer(3), 'rejected', 'rejected'],
  ['QEMU did not start', answer(1), 'failed', 'failed'],
  ['disk is full', answer(38, 28), 'failed', 'failed'],
  ['another job runs', answer(68), 'failed', 'failed'],
  ['state race', answer(55), 'failed', 'failed'],
  ['it is gone', answer(42), 'failed', 'failed'],
  ['agent is silent', answer(86), 'failed', 'failed'],
  ['a code of the future', answer(999), 'failed', 'failed'],
  ['a garbled reply', new ProtocolError('x'), 'failed', 'failed'],
  ['too many calls', new QueueFull(1), 'failed', 'failed'],
  ['our value', new InvalidArgument('x'), 'rejected', 'rejected'],
  ['their XML, our XML', new XmlFault('x'), 'failed', 'rejected'],
  ['no error at all', 'text', 'failed', 'failed'],
];

test('errors are classed by what to do next', () => {
  for (const [what, error, onRead, onWrite] of rows) {
    assert.equal(toPortError(error, 'read', 'Doing').code, onRead, `${what} (read)`);
    assert.equal(toPortError(error, 'write', 'Doing').code, onWrite, `${what} (write)`);
  }
});

test('the message says what was done and keeps the words of libvirt', () => {
  const error = toPortError(answer(1), 'write', 'Starting x');
  assert.equal(error.message, 'Starting x: why');
  assert.ok(error.cause instanceof LibvirtError);
  const lost = toPortError(new ConnectionLost('dial', { cause: refused }), 'read', 'Listing');
  assert.match(lost.message, /^Listing: .*ECONNREFUSED/);
});

test('a cancelled caller hears that, whatever broke', () => {
  const error = toPortError(answer(1), 'write', 'x', AbortSignal.abort());
  assert.equal(error.code, 'cancelled');
});

test('a port error is passed on as it is', () => {
  const error = new PortError('conflict', 'mine');
  assert.equal(toPortError(error, 'write', 'x'), error);
});
