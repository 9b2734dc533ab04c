// What the outputs say, in words and numbers. No element of the page is touched here.

/** One output of one item, in real values. */
export interface Output {
  name: string;
  /** Without the batch axis. */
  shape: number[];
  values: number[];
}

export interface Line {
  name: string;
  value: number;
  /** 0 to 1 where it is a share, for the bar. */
  share: number | null;
}

/** `best`: one line of plain words, also for those who hear the page. */
export interface Answer {
  best: string;
  lines: Line[];
  /** How many values there are besides the lines. */
  more: number;
}

const SHOWN = 5;

export function answers(outputs: Output[], labels: string[]): Answer[] {
  return outputs.map((output) => answer(output, labels, outputs.length > 1));
}

function answer(output: Output, labels: string[], several: boolean): Answer {
  const { values } = output;
  const before = several ? `${output.name}: ` : "";
  if (labels.length === 2 && values.length === 1 && isShare(values[0]!)) {
    const yes = values[0]!;
    return ranked(before, labels, [1 - yes, yes], true);
  }
  if (values.length > 1 && output.shape.length === 1) {
    const shares = isDistribution(values);
    if (labels.length === values.length) return ranked(before, labels, values, shares);
    if (shares)
      return ranked(
        before,
        values.map((_, i) => `class ${i}`),
        values,
        true,
      );
  }
  const names =
    values.length === 1 ? [output.name] : values.map((_, i) => `${output.name} ${i + 1}`);
  const lines = values.slice(0, 2 * SHOWN).map((value, i) => ({
    name: names[i]!,
    value,
    share: null,
  }));
  const best =
    values.length === 1
      ? `${output.name}: ${shown(values[0]!)}`
      : `${before}${values.length} values`;
  return { best, lines, more: values.length - lines.length };
}

function ranked(before: string, names: string[], values: number[], shares: boolean): Answer {
  const order = values.map((_, i) => i).sort((a, b) => values[b]! - values[a]! || a - b);
  const lines = order.slice(0, SHOWN).map((i) => ({
    name: names[i]!,
    value: values[i]!,
    share: shares ? values[i]! : null,
  }));
  const [first] = lines;
  const said = shares ? percent(first!.value) : `score ${shown(first!.value)}`;
  return { best: `${before}${first!.name}, ${said}`, lines, more: values.length - lines.length };
}

function isDistribution(values: number[]): boolean {
  const sum = values.reduce((a, b) => a + b, 0);
  // integer outputs are rounded one by one: their sum is off by half a step each
  return values.every(isShare) && Math.abs(sum - 1) < Math.max(0.01, values.length / 512);
}

function isShare(value: number): boolean {
  return value >= 0 && value <= 1;
}

export function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

/** Four digits. */
export function shown(value: number): string {
  return Number(value.toPrecision(4)).toString();
}
