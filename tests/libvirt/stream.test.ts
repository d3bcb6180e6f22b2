import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ConnectionLost, LibvirtError, ProtocolError } from '../../src/libvirt/error.ts';
import {
  connectFake,
  errorPayload,
  type FakeDaemon,
  frame,
  type Received,
  reply,
  streamPacket,
  withScript,
} from './fake-daemon.ts';
import { ManualClock } from './manual-clock.ts';

const UPLOAD = 208;
const DOWNLOAD = 209;
const OK = 0;
const ERROR = 1;
const CONTINUE = 2;
const volume = { pool: 'p', name: 'v' };

const openStreams = withScript((call) =>
  call.procedure === UPLOAD || call.procedure === DOWNLOAD ? reply(call) : undefined,
);

const packet = (status: number, nth = 0) =>
  [(it: Received) => it.type === 3 && it.status === status, nth] as const;

async function* chunks(...sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  for (const [index, size] of sizes.entries()) yield new Uint8Array(size).fill(index + 1);
}

/** The source never ends and counts what was taken from it. */
function endless(size: number): { source: AsyncGenerator<Uint8Array>; taken: () => number } {
  let taken = 0;
  async function* source(): AsyncGenerator<Uint8Array> {
    for (;;) {
      taken += 1;
      yield new Uint8Array(size);
    }
  }
  return { source: source(), taken: () => taken };
}

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await new Promise((done) => setImmediate(done));
}

describe('an upload', () => {
  it('sends every byte in packets of a legal size, then waits for the confirmation', async () => {
    const { connection, daemon } = await connectFake(openStreams);
    using _ = connection;
    const progress: number[] = [];
    const source = chunks(10, 0, 600_000, 3);
    const done = connection.volumes.upload(volume, source, {
      onProgress: (bytes) => progress.push(bytes),
    });
    let confirmed = false;
    void done.then(() => {
      confirmed = true;
    });
    const end = await daemon.message(...packet(OK));
    await turns(5);
    assert.equal(confirmed, false);
    daemon.send(streamPacket(end, OK));
    assert.equal(await done, 600_013);
    const data = daemon.received.filter((it) => it.type === 3 && it.status === CONTINUE);
    assert.deepEqual(
      data.map((it) => it.payload.length),
      [10, 262_120, 262_120, 75_760, 3],
    );
    const opened = await daemon.call(UPLOAD);
    assert.ok(data.every((it) => it.serial === opened.serial && it.procedure === UPLOAD));
    assert.deepEqual([data[0]?.payload[0], data[1]?.payload[0], data[4]?.payload[0]], [1, 3, 4]);
    assert.deepEqual(progress, [10, 10, 600_010, 600_013]);
  });

  it('never sends a byte more than was announced', async () => {
    const { connection, daemon } = await connectFake(openStreams);
    using _ = connection;
    const done = connection.volumes.upload(volume, chunks(600, 401), { length: 1000 });
    const failed = assert.rejects(done, { code: 'INVALID_ARGUMENT' });
    const abort = await daemon.message(...packet(ERROR));
    assert.equal(abort.payload.length, 0);
    daemon.send(streamPacket(abort, OK));
    await failed;
    const data = daemon.received.filter((it) => it.type === 3 && it.status === CONTINUE);
    assert.deepEqual(
      data.map((it) => it.payload.length),
      [600],
    );
    const exact = connection.volumes.upload(volume, chunks(600, 400), { length: 1000 });
    daemon.send(streamPacket(await daemon.message(...packet(OK)), OK));
    assert.equal(await exact, 1000);
  });

  it('takes no more from its source than the peer reads', async () => {
    const { connection, daemon } = await connectFake(openStreams);
    using _ = connection;
    const { source, taken } = endless(100_000);
    const controller = new AbortController();
    const done = connection.volumes.upload(volume, source, { signal: controller.signal });
    const failed = assert.rejects(done, { code: 'CANCELLED' });
    await daemon.call(UPLOAD);
    daemon.socket.pause();
    await turns(200);
    const before = taken();
    await turns(200);
    assert.equal(taken(), before);
    assert.ok(before < 20, `${before} chunks`);
    daemon.socket.resume();
    await turns(50);
    assert.ok(taken() > before);
    controller.abort();
    daemon.send(streamPacket(await daemon.message(...packet(ERROR)), OK));
    await failed;
  });

  it('ends with the error of the daemon even while its source is silent', async () => {
    const { connection, daemon } = await connectFake(openStreams);
    using _ = connection;
    async function* silent(): AsyncGenerator<Uint8Array> {
      yield new Uint8Array(5);
      await new Promise(() => undefined);
    }
    const done = connection.volumes.upload(volume, silent());
    const first = await daemon.message(...packet(CONTINUE));
    daemon.send(streamPacket(first, ERROR, errorPayload(38, 'No space left on device')));
    // What still comes for this serial is dropped.
    daemon.send(streamPacket(first, OK), streamPacket(first, CONTINUE, Buffer.from('late')));
    await assert.rejects(done, (error) => {
      return error instanceof LibvirtError && error.code === 'SYSTEM_ERROR';
    });
    assert.equal(await connection.host.hostname(), 'fake');
  });

  it('aborts on the daemon when its source fails', async () => {
    const { connection, daemon } = await connectFake(openStreams);
    using _ = connection;
    async function* failing(): AsyncGenerator<Uint8Array> {
      yield new Uint8Array(5);
      throw new Error('disk gone');
    }
    const done = connection.volumes.upload(volume, failing());
    const failed = assert.rejects(done, /disk gone/);
    const abort = await daemon.message(...packet(ERROR));
    assert.equal(abort.payload.length, 0);
    daemon.send(streamPacket(abort, OK));
    await failed;
  });

  it('gives a stalled peer up in time, without waiting for ever for its confirmation', async () => {
    const clock = new ManualClock();
    const { connection, daemon } = await connectFake(openStreams, { clock });
    using _ = connection;
    const { source } = endless(1_000_000);
    const done = connection.volumes.upload(volume, source, { stallTimeoutMs: 900 });
    const failed = assert.rejects(done, { code: 'TIMEOUT', procedure: 'STORAGE_VOL_UPLOAD' });
    await daemon.call(UPLOAD);
    daemon.socket.pause();
    await turns(100);
    clock.advance(901);
    await turns(5);
    clock.advance(5_000);
    await failed;
  });

  it('lives on while the peer takes it slowly, and dies when the peer takes nothing', async () => {
    const clock = new ManualClock();
    const { connection, daemon } = await connectFake(openStreams, { clock });
    const { source } = endless(100_000);
    const done = connection.volumes.upload(volume, source, { stallTimeoutMs: 600_000 });
    const lost = assert.rejects(done, { code: 'CONNECTION_LOST', reason: 'keepalive' });
    await daemon.message(...packet(CONTINUE));
    const ticks = async (count: number, reads: boolean) => {
      for (let tick = 0; tick < count; tick += 1) {
        if (reads) daemon.socket.resume();
        await turns(5);
        daemon.socket.pause();
        await turns(50);
        clock.advance(5_000);
      }
    };
    await ticks(20, true);
    assert.equal(await Promise.race([connection.closed, 'open']), 'open');
    await ticks(7, false);
    await lost;
  });

  it('fails with the connection', async () => {
    const { connection, daemon } = await connectFake(openStreams);
    const { source } = endless(1000);
    const done = connection.volumes.upload(volume, source);
    await daemon.message(...packet(CONTINUE));
    daemon.socket.destroy();
    await assert.rejects(done, (error) => error instanceof ConnectionLost && error.sent);
  });

  it('that the daemon refuses opens no stream', async () => {
    const { connection, daemon } = await connectFake(
      withScript((call) =>
        call.procedure === UPLOAD
          ? frame(
              { procedure: UPLOAD, type: 1, serial: call.serial, status: 1 },
              errorPayload(50, 'x'),
            )
          : undefined,
      ),
    );
    using _ = connection;
    await assert.rejects(connection.volumes.upload(volume, chunks(1)), { code: 'NO_STORAGE_VOL' });
    assert.equal(daemon.received.filter((it) => it.type === 3).length, 0);
  });

  it('given up while it opens is taken back when the daemon opens it after all', async () => {
    const { connection, daemon } = await connectFake();
    using _ = connection;
    const controller = new AbortController();
    const done = connection.volumes.upload(volume, chunks(1), { signal: controller.signal });
    const call = await daemon.call(UPLOAD);
    controller.abort();
    await assert.rejects(done, { code: 'CANCELLED', sent: true });
    daemon.send(reply(call));
    const abort = await daemon.message(...packet(ERROR));
    assert.equal(abort.serial, call.serial);
    daemon.send(streamPacket(abort, OK));
    assert.equal(await connection.host.hostname(), 'fake');
  });
});

describe('a download', () => {
  const serve = async (daemon: FakeDaemon, ...payloads: readonly Buffer[]): Promise<Received> => {
    const call = await daemon.call(DOWNLOAD);
    for (const payload of payloads) daemon.send(streamPacket(call, CONTINUE, payload));
    return call;
  };

  it('yields the bytes in order, also those that came with the reply, and confirms', async () => {
    const { connection, daemon } = await connectFake(
      withScript((call) =>
        call.procedure === DOWNLOAD
          ? Buffer.concat([
              reply(call),
              streamPacket(call, CONTINUE, Buffer.from('first ')),
              streamPacket(call, CONTINUE, Buffer.alloc(300_000, 'x')),
              streamPacket(call, CONTINUE),
            ])
          : undefined,
      ),
    );
    using _ = connection;
    let seen = '';
    const reading = (async () => {
      for await (const bytes of connection.volumes.download(volume)) seen += bytes.toString();
    })();
    const end = await daemon.message(...packet(OK));
    daemon.send(streamPacket(end, OK));
    await reading;
    assert.equal(seen, `first ${'x'.repeat(300_000)}`);
  });

  it('stops receiving while its reader is slow, then delivers the rest intact', async () => {
    const { connection, daemon } = await connectFake(openStreams);
    using _ = connection;
    const iterator = connection.volumes.download(volume)[Symbol.asyncIterator]();
    const first = iterator.next();
    const call = await serve(daemon, Buffer.from([0]));
    assert.deepEqual([...((await first).value as Buffer)], [0]);
    let written = 0;
    for (; written < 200; written += 1) {
      const roomy = daemon.socket.write(
        streamPacket(call, CONTINUE, Buffer.alloc(50_000, written + 1)),
      );
      await turns(2);
      if (!roomy && daemon.socket.writableLength > 200_000) break;
    }
    assert.ok(written > 10 && written < 100, `${written} packets went through`);
    daemon.send(streamPacket(call, CONTINUE));
    let bytes = 0;
    let last = 0;
    const answer = daemon.message(...packet(OK)).then((end) => daemon.send(streamPacket(end, OK)));
    for await (const chunk of iterator) {
      bytes += chunk.length;
      assert.ok((chunk[0] ?? 0) >= last);
      last = chunk[0] ?? 0;
    }
    await answer;
    assert.equal(bytes, (written + 1) * 50_000);
  });

  it('that is left early is aborted, and late data is dropped', async () => {
    const { connection, daemon } = await connectFake(openStreams);
    using _ = connection;
    const call = serve(daemon, Buffer.from('a'), Buffer.from('b'));
    const answer = daemon
      .message(...packet(ERROR))
      .then((abort) =>
        daemon.send(
          streamPacket(abort, CONTINUE, Buffer.from('late')),
          streamPacket(abort, OK),
          streamPacket(abort, CONTINUE, Buffer.from('later still')),
        ),
      );
    for await (const bytes of connection.volumes.download(volume)) {
      assert.equal(bytes.toString(), 'a');
      break;
    }
    await Promise.all([call, answer]);
    assert.equal(await connection.host.hostname(), 'fake');
  });

  it('fails typed on a hole that was not asked for, and tells the daemon', async () => {
    const { connection, daemon } = await connectFake(openStreams);
    using _ = connection;
    const reading = connection.volumes.download(volume).next();
    const failed = assert.rejects(reading, ProtocolError);
    const { procedure, serial } = await daemon.call(DOWNLOAD);
    daemon.send(frame({ procedure, type: 6, serial, status: CONTINUE }, Buffer.alloc(12)));
    const abort = await daemon.message(...packet(ERROR));
    daemon.send(streamPacket(abort, OK));
    await failed;
  });

  it('holds little memory for a flood of tiny packets', async () => {
    const { connection, daemon } = await connectFake(openStreams);
    using _ = connection;
    const iterator = connection.volumes.download(volume);
    const first = iterator.next();
    const call = await serve(daemon, Buffer.from('a'));
    await first;
    const tiny = streamPacket(call, CONTINUE, Buffer.from('b'));
    const flood = Buffer.concat(Array.from({ length: 2000 }, () => tiny));
    const before = process.memoryUsage().rss;
    let sent = 0;
    for (; sent < 500 && daemon.socket.write(flood); sent += 1) await turns(1);
    assert.ok(sent < 100, `${sent} floods were taken`);
    assert.ok(process.memoryUsage().rss - before < 64 * 1_048_576);
    const answer = daemon
      .message(...packet(ERROR))
      .then((abort) => daemon.send(streamPacket(abort, OK)));
    await iterator.return();
    await answer;
  });
});
