// Reads what a file's tags say of its loudness; knows the tags' names in each format, and no files.
import type { IAudioMetadata } from 'music-metadata';

/** How a track is brought to the loudness of the others. */
export interface TrackGainTags {
  /** What brings it to −18 LUFS, in dB. */
  readonly gainDb?: number;
  /** The largest sample; 1 is full scale. */
  readonly peak?: number;
}

/** Opus tags aim at −23 LUFS (RFC 7845, 5.2.1), ReplayGain at −18. */
const opusReferenceDb = 5;
/** Beyond this a tag is a mistake, and would hurt ears. */
const mostGainDb = 40;
const mostPeak = 8;

/**
 * ReplayGain's track gain and peak, which each format keeps under a name that ends alike, or Opus' own. Album gains are left alone: a queue
 * is not an album. The sound check of iTunes and LAME's own header are not loudness by today's measure, so such files are measured.
 */
export function readGainTags(native: IAudioMetadata['native']): TrackGainTags {
  const values = new Map<string, string>();
  for (const { id, value } of Object.values(native).flat()) {
    const name = /(?:^|:)(replaygain_track_gain|replaygain_track_peak|r128_track_gain)$/iu.exec(id);
    const text: unknown = Array.isArray(value) ? value[0] : value;
    if (name?.[1] === undefined || typeof text !== 'string') continue;
    values.set(name[1].toLowerCase(), text);
  }
  const opus = numberOf(values.get('r128_track_gain'));
  const gainDb =
    numberOf(values.get('replaygain_track_gain')) ??
    // A fixed-point number of eight fractional bits.
    (opus === undefined ? undefined : opus / 256 + opusReferenceDb);
  const peak = numberOf(values.get('replaygain_track_peak'));
  if (gainDb === undefined || Math.abs(gainDb) > mostGainDb) return {};
  const isPeak = peak !== undefined && peak > 0 && peak <= mostPeak;
  return { gainDb, ...(isPeak ? { peak } : {}) };
}

/** `-7.03 dB`, `+1,5 dB`, `-7.03`; undefined for what begins with no number. */
function numberOf(text: string | undefined): number | undefined {
  const number = Number.parseFloat((text ?? '').replace(',', '.'));
  return Number.isFinite(number) ? number : undefined;
}
