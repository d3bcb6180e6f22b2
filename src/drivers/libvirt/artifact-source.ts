/**
 * A local file as a stream of chunks whose digest is computed while they pass.
 * The first bytes, the head, are held back: they are what makes the rest an image (see upload.ts).
 */
import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';

const chunkBytes = 1024 * 1024;

export class ArtifactSource implements AsyncDisposable {
  readonly bytes: number;
  readonly head: Buffer;
  readonly #file: FileHandle;
  readonly #hash = createHash('sha256');
  #passed: number;

  private constructor(file: FileHandle, bytes: number, head: Buffer) {
    this.#file = file;
    this.bytes = bytes;
    this.head = head;
    this.#hash.update(head);
    this.#passed = head.length;
  }

  static async open(path: string, headBytes: number): Promise<ArtifactSource> {
    const file = await open(path, 'r');
    try {
      const { size } = await file.stat();
      const head = Buffer.alloc(Math.min(headBytes, size));
      const { bytesRead } = await file.read(head, 0, head.length, 0);
      if (bytesRead !== head.length) throw new Error(`${path} changed while it was read`);
      return new ArtifactSource(file, size, head);
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** All bytes after the head, once. */
  async *tail(passed: (sentBytes: number) => void): AsyncGenerator<Buffer> {
    for (;;) {
      const chunk = Buffer.allocUnsafe(chunkBytes);
      const { bytesRead } = await this.#file.read(chunk, 0, chunkBytes, this.#passed);
      if (bytesRead === 0) return;
      const part = chunk.subarray(0, bytesRead);
      this.#hash.update(part);
      this.#passed += bytesRead;
      yield part;
      passed(this.#passed);
    }
  }

  /** After the tail: of the whole file; undefined when another size of it was read. */
  get sha256(): string | undefined {
    return this.#passed === this.bytes ? this.#hash.copy().digest('hex') : undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file.close();
  }
}
