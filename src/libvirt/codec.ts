// Codecs: one value describes how a type is read and written, so the procedure tables can be
// plain data. Lone surrogates and invalid UTF-8 are replaced, as in the rest of the platform.
// Counted arrays check their count against a limit and against the bytes that are really there.

import { InvalidArgument, ProtocolError } from './error.ts';
import type { XdrReader, XdrWriter } from './xdr.ts';

export interface Codec<T> {
  /** The least number of bytes one value takes; bounds what a hostile count can allocate. */
  readonly minBytes: number;
  read(reader: XdrReader): T;
  write(writer: XdrWriter, value: T): void;
}

export type CodecValue<C> = C extends Codec<infer T> ? T : never;

export const nothing: Codec<void> = { minBytes: 0, read: () => undefined, write: () => undefined };

export const i32: Codec<number> = {
  minBytes: 4,
  read: (reader) => reader.i32(),
  write: (writer, value) => writer.i32(value),
};

export const u32: Codec<number> = {
  minBytes: 4,
  read: (reader) => reader.u32(),
  write: (writer, value) => writer.u32(value),
};

/** An int that means yes or no; the daemon uses any non-zero value for yes. */
export const bool: Codec<boolean> = {
  minBytes: 4,
  read: (reader) => reader.i32() !== 0,
  write: (writer, value) => writer.i32(value ? 1 : 0),
};

export const i64: Codec<bigint> = {
  minBytes: 8,
  read: (reader) => reader.i64(),
  write: (writer, value) => writer.i64(value),
};

export const u64: Codec<bigint> = {
  minBytes: 8,
  read: (reader) => reader.u64(),
  write: (writer, value) => writer.u64(value),
};

/** Bytes, KiB and other unsigned hypers that are handier as a number. */
export const size: Codec<number> = {
  minBytes: 8,
  read: (reader) => reader.size(),
  write: (writer, value) => writer.size(value),
};

/** A signed hyper (seconds, offsets) as a number. */
export const i64number: Codec<number> = {
  minBytes: 8,
  read: (reader) => Number(reader.i64()),
  write: (writer, value) => writer.i64(BigInt(value)),
};

export const str: Codec<string> = {
  minBytes: 4,
  read: (reader) => reader.string(),
  write: (writer, value) => writer.string(value),
};

const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** 16 bytes on the wire, the usual lower-case text with dashes here. */
export const uuid: Codec<string> = {
  minBytes: 16,
  read: (reader) => {
    const hex = reader.hex(16);
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
  },
  write: (writer, value) => {
    if (!uuidPattern.test(value)) throw new InvalidArgument(`not a UUID: ${value}`);
    writer.hex(value.replaceAll('-', ''));
  },
};

export function optional<T>(inner: Codec<T>): Codec<T | undefined> {
  return {
    minBytes: 4,
    read: (reader) => (reader.flag() ? inner.read(reader) : undefined),
    write: (writer, value) => {
      writer.u32(value === undefined ? 0 : 1);
      if (value !== undefined) inner.write(writer, value);
    },
  };
}

export function array<T>(inner: Codec<T>, limit: number): Codec<readonly T[]> {
  return {
    minBytes: 4,
    read: (reader) => {
      const count = reader.count(limit, inner.minBytes);
      const values: T[] = [];
      for (let index = 0; index < count; index += 1) values.push(inner.read(reader));
      return values;
    },
    write: (writer, values) => {
      if (values.length > limit) throw new InvalidArgument(`array longer than ${limit}`);
      writer.u32(values.length);
      for (const value of values) inner.write(writer, value);
    },
  };
}

/** `char name[n]` in the .x files: each char takes four bytes; the text ends at the first NUL. */
export function charArray(length: number): Codec<string> {
  return {
    minBytes: length * 4,
    read: (reader) => {
      const bytes = Buffer.alloc(length);
      for (let index = 0; index < length; index += 1) bytes[index] = reader.i32() & 0xff;
      const end = bytes.indexOf(0);
      return bytes.toString('utf8', 0, end === -1 ? length : end);
    },
    write: (writer, value) => {
      const bytes = Buffer.from(value, 'utf8');
      if (bytes.length > length) throw new InvalidArgument(`text longer than ${length} bytes`);
      for (let index = 0; index < length; index += 1) writer.i32(((bytes[index] ?? 0) << 24) >> 24);
    },
  };
}

export type StructValue<S> = { readonly [K in keyof S]: CodecValue<S[K]> };

export function struct<S extends Readonly<Record<string, Codec<unknown>>>>(
  fields: S,
): Codec<StructValue<S>> {
  const entries = Object.entries(fields);
  const minBytes = entries.reduce((sum, [, codec]) => sum + codec.minBytes, 0);
  return {
    minBytes,
    read: (reader) => {
      const value: Record<string, unknown> = {};
      for (const [key, codec] of entries) value[key] = codec.read(reader);
      return value as StructValue<S>;
    },
    write: (writer, value) => {
      const source: Readonly<Record<string, unknown>> = value;
      for (const [key, codec] of entries) codec.write(writer, source[key]);
    },
  };
}

/** Seen as another type: `read` and `write` stay next to each other, so they cannot drift. */
export function mapped<T, U>(
  inner: Codec<T>,
  read: (wire: T) => U,
  write: (value: U) => T,
): Codec<U> {
  return {
    minBytes: inner.minBytes,
    read: (reader) => read(inner.read(reader)),
    write: (writer, value) => inner.write(writer, write(value)),
  };
}

/** An integer that stands for a word. A number newer than this list reads as `unknown`. */
export function wordOf<const W extends readonly string[]>(words: W): Codec<W[number] | 'unknown'> {
  return mapped(
    i32,
    (number) => words[number] ?? 'unknown',
    (word) => {
      const number = words.indexOf(word);
      if (number === -1) throw new InvalidArgument(`no number for ${word}`);
      return number;
    },
  );
}

export type TypedValue = number | bigint | boolean | string;
export interface TypedParameter {
  readonly field: string;
  readonly value: TypedValue;
}

/** Written by the kind of the JS value, which is enough for what this client ever sends. */
export const typedParameter: Codec<TypedParameter> = {
  minBytes: 12,
  read: (reader) => ({ field: reader.string(), value: readTypedValue(reader) }),
  write: (writer, { field, value }) => {
    writer.string(field);
    switch (typeof value) {
      case 'bigint':
        writer.i32(4);
        return writer.u64(value);
      case 'boolean':
        writer.i32(6);
        return writer.i32(value ? 1 : 0);
      case 'string':
        writer.i32(7);
        return writer.string(value);
      default:
        writer.i32(1);
        return writer.i32(value);
    }
  },
};

function readTypedValue(reader: XdrReader): TypedValue {
  const type = reader.i32();
  switch (type) {
    case 1:
      return reader.i32();
    case 2:
      return reader.u32();
    case 3:
      return reader.i64();
    case 4:
      return reader.u64();
    case 5:
      return reader.f64();
    case 6:
      return reader.i32() !== 0;
    case 7:
      return reader.string();
    default:
      throw new ProtocolError(`typed parameter of unknown type ${type}`);
  }
}
