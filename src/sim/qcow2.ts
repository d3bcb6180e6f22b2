/** Of a qcow2 file, the size of the disk inside; of any other, its own. */
export function virtualSize(bytes: Uint8Array): number {
  const buffer = Buffer.from(bytes);
  const isQcow2 = buffer.length > 32 && buffer.readUInt32BE(0) === 0x514649fb;
  return isQcow2 ? Number(buffer.readBigUInt64BE(24)) : buffer.length;
}
