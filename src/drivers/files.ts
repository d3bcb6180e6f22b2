/**
 * What the watched directory needs of a file system, as an interface: the disk implements it
 * (`disk-files.ts`), and so does the simulator. Errors carry the system's own `code`, such as
 * ENOENT. Nothing here knows what is in a file.
 */

/** One reading of one file. */
export interface FileBytes {
  /** Device, inode, size and both times: equal for a file that nobody touched. */
  stamp: string;
  /** Absent for what is no regular file: a pipe, a directory, a device. */
  bytes?: Uint8Array;
}

export interface Watch {
  /** From here on changes are told; it never rejects. */
  ready: Promise<void>;
  close(): Promise<void>;
}

export interface Files {
  /** Of the directory that is now under this name; another one has another identity. */
  identity(directory: string): Promise<string>;
  names(directory: string): Promise<string[]>;
  /** The stamp alone; undefined when the file cannot be looked at. */
  stamp(file: string): Promise<string | undefined>;
  /**
   * At most `limit` bytes; never waits for a writer. ENOENT only when nothing has the name: a
   * symbolic link that leads nowhere has it, and is ELOOP.
   */
  read(file: string, limit: number): Promise<FileBytes>;
  /**
   * Calls `changed` after events in the directory, in any number and order, or never: an event only
   * says "look again". `replaced`: the directory itself came or went. Names that `isWanted` refuses
   * may be left out.
   */
  watch(
    directory: string,
    isWanted: (name: string) => boolean,
    changed: (replaced: boolean) => void,
  ): Watch;
}
