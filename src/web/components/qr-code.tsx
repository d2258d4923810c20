// Owns a link as a picture for another phone's camera.
import { useEffect, useState } from 'preact/hooks';

interface Matrix {
  readonly data: readonly (readonly boolean[])[];
  readonly size: number;
}

/** One path for all dark modules: no markup is put in from a string. */
export function QrCode({ text }: { text: string }) {
  const [matrix, setMatrix] = useState<Matrix>();
  useEffect(() => {
    let wanted = true;
    // Few visitors ever open this sheet: the others need not load the encoder.
    import('uqr').then(
      ({ encode }) => {
        if (wanted) setMatrix(encode(text, { ecc: 'M', border: 2 }));
      },
      () => {
        // Away from the hub there is no picture; link and code stand beside it.
      },
    );
    return () => {
      wanted = false;
    };
  }, [text]);
  if (matrix === undefined) return <div class="qr" />;
  const { data, size } = matrix;
  const path = data.flatMap((row, y) =>
    row.flatMap((dark, x) => (dark ? `M${x} ${y}h1v1h-1z` : [])),
  );
  return (
    <svg class="qr" viewBox={`0 0 ${size} ${size}`} role="img" aria-label="QR code of the link">
      <rect width={size} height={size} class="qr-light" />
      <path d={path.join('')} class="qr-dark" />
    </svg>
  );
}
