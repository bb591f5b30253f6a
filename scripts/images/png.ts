import { crc32, deflateSync, inflateSync } from 'node:zlib';

/** A screenshot with a palette of its 256 most frequent colours (the rest to the nearest), a third of the bytes. PNG, third edition. */
export function withPalette(png: Buffer): Buffer {
  const { width, height, pixels } = decode(png);
  const colours = new Uint32Array(width * height).map((_, i) => pixels.readUIntBE(i * 3, 3));
  const palette = mostFrequent(colours, 256);
  const indexOf = new Map(palette.map((colour, index) => [colour, index]));
  const lines = Buffer.alloc(height * (width + 1));
  for (const [i, colour] of colours.entries()) {
    const index = indexOf.get(colour) ?? nearest(palette, colour);
    indexOf.set(colour, index);
    lines[Math.floor(i / width) * (width + 1) + 1 + (i % width)] = index;
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 3], 8);
  const table = Buffer.concat(palette.map((colour) => Buffer.from(channels(colour))));
  return Buffer.concat([
    png.subarray(0, 8),
    chunk('IHDR', header),
    chunk('PLTE', table),
    chunk('IDAT', deflateSync(lines, { level: 9 })),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

interface Picture {
  readonly width: number;
  readonly height: number;
  /** Red, green and blue of each pixel, line by line. */
  readonly pixels: Buffer;
}

/** Reads what Chromium writes: 8 bits a channel, no transparency, not interlaced. */
function decode(png: Buffer): Picture {
  const [width, height] = [png.readUInt32BE(16), png.readUInt32BE(20)];
  if (png[24] !== 8 || png[25] !== 2 || png[28] !== 0) {
    throw new Error('The screenshot is another kind of PNG than 8-bit RGB, not interlaced.');
  }
  const parts: Buffer[] = [];
  for (let at = 8; at < png.length; at += 12 + png.readUInt32BE(at)) {
    if (png.toString('latin1', at + 4, at + 8) !== 'IDAT') continue;
    parts.push(png.subarray(at + 8, at + 8 + png.readUInt32BE(at)));
  }
  const filtered = inflateSync(Buffer.concat(parts));
  const stride = width * 3;
  const pixels = Buffer.alloc(height * stride);
  for (let y = 0; y < height; y += 1) {
    const filter = filtered[y * (stride + 1)];
    for (let x = 0; x < stride; x += 1) {
      const i = y * stride + x;
      const left = x < 3 ? 0 : pixels[i - 3]!;
      const up = y === 0 ? 0 : pixels[i - stride]!;
      const upLeft = x < 3 || y === 0 ? 0 : pixels[i - stride - 3]!;
      const added = [0, left, up, (left + up) >> 1, paeth(left, up, upLeft)][filter!]!;
      pixels[i] = filtered[y * (stride + 1) + 1 + x]! + added;
    }
  }
  return { width, height, pixels };
}

/** Section 9.4. */
function paeth(left: number, up: number, upLeft: number): number {
  const [a, b, c] = [up - upLeft, left - upLeft, left + up - 2 * upLeft].map(Math.abs);
  if (a! <= b! && a! <= c!) return left;
  return b! <= c! ? up : upLeft;
}

function mostFrequent(colours: Uint32Array, count: number): readonly number[] {
  const counts = new Map<number, number>();
  for (const colour of colours) counts.set(colour, (counts.get(colour) ?? 0) + 1);
  const sorted = [...counts].sort(([a, many], [b, more]) => more - many || a - b);
  return sorted.slice(0, count).map(([colour]) => colour);
}

const channels = (colour: number): readonly number[] => [
  colour >> 16,
  (colour >> 8) & 255,
  colour & 255,
];

function nearest(palette: readonly number[], colour: number): number {
  const wanted = channels(colour);
  const distances = palette.map((each) =>
    channels(each).reduce((sum, value, i) => sum + (value - wanted[i]!) ** 2, 0),
  );
  return distances.indexOf(Math.min(...distances));
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const [length, check] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  check.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, check]);
}
