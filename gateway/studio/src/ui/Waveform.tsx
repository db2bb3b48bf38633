/** A sound's peaks, as the gateway measured them. */
export function Waveform({ peaks, bars = 64 }: { peaks: number[]; bars?: number }) {
  const heights = Array.from({ length: bars }, (_, bar) => {
    const start = Math.floor((bar * peaks.length) / bars);
    const end = Math.max(start + 1, Math.floor(((bar + 1) * peaks.length) / bars));
    return Math.max(0.04, ...peaks.slice(start, end));
  });
  const path = heights.map((height, bar) => `M${bar * 4 + 1.5} ${16 - height * 15}V${16 + height * 15}`).join("");
  return (
    <svg className="waveform" viewBox={`0 0 ${bars * 4} 32`} preserveAspectRatio="none" aria-hidden="true">
      <path d={path} />
    </svg>
  );
}
