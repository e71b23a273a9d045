/** An AMQP value that is encoded already and is written as it stands: what keeps its exact type on its way through. */
export class Encoded {
  readonly bytes: Buffer;
  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }
}

/**
 * A value to encode. Whole numbers become int, or long where they don't fit; others double; bigints long; Dates timestamp;
 * Buffers binary. Anything that needs another type comes as {@link Encoded}.
 */
export type EncodableValue = null | boolean | number | bigint | string | Buffer | Date | Encoded;

const INT_MAX = 0x7fff_ffff;

/** Writes AMQP values one after another into a buffer that grows. */
export class AmqpWriter {
  #bytes: Buffer;
  #at = 0;

  /** @param size a guess of how many bytes will come */
  constructor(size: number) {
    this.#bytes = Buffer.allocUnsafe(size);
  }

  /** Bytes written so far. */
  get length(): number {
    return this.#at;
  }

  #ensure(length: number): void {
    const needed = this.#at + length;
    if (needed <= this.#bytes.length) return;
    const bigger = Buffer.allocUnsafe(Math.max(needed, this.#bytes.length * 2));
    this.#bytes.copy(bigger, 0, 0, this.#at);
    this.#bytes = bigger;
  }

  byte(value: number): void {
    this.#ensure(1);
    this.#bytes[this.#at++] = value;
  }

  raw(bytes: Buffer): void {
    this.#ensure(bytes.length);
    bytes.copy(this.#bytes, this.#at);
    this.#at += bytes.length;
  }

  ubyte(value: number): void {
    this.byte(0x50);
    this.byte(value);
  }

  uint(value: number): void {
    this.#ensure(5);
    this.#bytes[this.#at] = 0x70;
    this.#bytes.writeUInt32BE(value, this.#at + 1);
    this.#at += 5;
  }

  int(value: number): void {
    this.#ensure(5);
    this.#bytes[this.#at] = 0x71;
    this.#bytes.writeInt32BE(value, this.#at + 1);
    this.#at += 5;
  }

  #eight(code: number, value: number): void {
    this.#ensure(9);
    this.#bytes[this.#at] = code;
    this.#bytes.writeInt32BE(Math.floor(value / 0x1_0000_0000), this.#at + 1);
    this.#bytes.writeUInt32BE(((value % 0x1_0000_0000) + 0x1_0000_0000) % 0x1_0000_0000, this.#at + 5);
    this.#at += 9;
  }

  /** @param value a safe integer */
  long(value: number): void {
    this.#eight(0x81, value);
  }

  /** @param milliseconds since the Unix epoch */
  timestamp(milliseconds: number): void {
    this.#eight(0x83, milliseconds);
  }

  #sized(narrow: number, length: number): void {
    this.#ensure(5 + length);
    if (length < 256) {
      this.#bytes[this.#at++] = narrow;
      this.#bytes[this.#at++] = length;
    } else {
      this.#bytes[this.#at++] = narrow + 0x10;
      this.#at = this.#bytes.writeUInt32BE(length, this.#at);
    }
  }

  string(value: string): void {
    const length = Buffer.byteLength(value);
    this.#sized(0xa1, length);
    this.#at += this.#bytes.write(value, this.#at);
  }

  symbol(value: string): void {
    this.#sized(0xa3, value.length);
    this.#at += this.#bytes.write(value, this.#at, 'latin1');
  }

  binary(value: Buffer): void {
    this.#sized(0xa0, value.length);
    this.raw(value);
  }

  value(value: EncodableValue): void {
    if (value === null) this.byte(0x40);
    else if (typeof value === 'string') this.string(value);
    else if (typeof value === 'boolean') this.byte(value ? 0x41 : 0x42);
    else if (typeof value === 'bigint') {
      this.#ensure(9);
      this.#bytes[this.#at] = 0x81;
      this.#at = this.#bytes.writeBigInt64BE(value, this.#at + 1);
    } else if (typeof value === 'number') this.#number(value);
    else if (value instanceof Date) this.timestamp(value.getTime());
    else if (value instanceof Encoded) this.raw(value.bytes);
    else this.binary(value);
  }

  #number(value: number): void {
    if (Number.isSafeInteger(value) && !Object.is(value, -0)) {
      if (value <= INT_MAX && value >= -INT_MAX - 1) this.int(value);
      else this.long(value);
      return;
    }
    this.#ensure(9);
    this.#bytes[this.#at] = 0x82;
    this.#at = this.#bytes.writeDoubleBE(value, this.#at + 1);
  }

  /** Opens a section: descriptor, then a list or map that {@link close} gives its size and count. */
  open(descriptor: number, kind: 'list' | 'map'): number {
    this.#ensure(12);
    this.#bytes[this.#at++] = 0x00;
    this.#bytes[this.#at++] = 0x53;
    this.#bytes[this.#at++] = descriptor;
    this.#bytes[this.#at++] = kind === 'list' ? 0xd0 : 0xd1;
    const mark = this.#at;
    this.#at += 8;
    return mark;
  }

  /** @param count items of the list; of a map, keys and values together */
  close(mark: number, count: number): void {
    this.#bytes.writeUInt32BE(this.#at - mark - 4, mark);
    this.#bytes.writeUInt32BE(count, mark + 4);
  }

  /** Opens a frame of a channel; {@link closeFrame} gives it its size. */
  openFrame(channel: number): number {
    this.#ensure(8);
    const mark = this.#at;
    // Two words of header, the type of AMQP's own frames, the channel.
    this.#bytes.writeUInt32BE(0x0200_0000 + channel, mark + 4);
    this.#at += 8;
    return mark;
  }

  closeFrame(mark: number): void {
    this.#bytes.writeUInt32BE(this.#at - mark, mark);
  }

  /** What was written: a view that later writes would change, so take it last. */
  take(): Buffer {
    return this.#bytes.subarray(0, this.#at);
  }
}
