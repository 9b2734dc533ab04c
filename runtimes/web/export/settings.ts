// `app.json`: what the exporter read from the artifact's contract and from the bundle.

import type { DType } from "../page/tensors.ts";
import type { Preprocess } from "./preprocess.ts";

export interface TensorSpec {
  name: string;
  dtype: DType;
  /** `null`: free. */
  shape: (number | null)[];
}

/** One box of the form: element `index` of the input of that name. */
export interface Field {
  input: string;
  index: number;
  label: string;
  type: "number" | "integer" | "yes-no";
}

/** `file` is an .npz of `input/INPUT` and `output/OUTPUT`, items first. */
export interface GoldenSettings {
  file: string;
  /** Real items are raw. Random ones are what the model itself takes: nothing preprocesses them. */
  real: boolean;
  items: number;
  /** By output: what a difference is divided by. */
  ranges: Record<string, number>;
  /** Largest and mean difference allowed; `flips`: the share of integers that may differ. */
  allowed: { largest: number; mean: number; flips: number };
  /** Without a verdict, the differences are shown and nothing more is said. */
  verdict: boolean;
}

export interface AppSettings {
  edgewright_app: number;
  title: string;
  kind: "image" | "form";
  artifact: { name: string; format: string; scheme: string; sha256: string; size_bytes: number };
  model: string;
  runtime: string;
  inputs: TensorSpec[];
  outputs: TensorSpec[];
  preprocess: Preprocess;
  labels: string[];
  /** Raw values of black and of white. */
  pixels?: [number, number];
  fields?: Field[];
  goldens: GoldenSettings | null;
}

export async function fetchSettings(): Promise<AppSettings> {
  const answer = await fetch("app.json");
  if (!answer.ok) throw new Error(`app.json: ${answer.status} ${answer.statusText}`);
  const settings = (await answer.json()) as AppSettings;
  if (settings.edgewright_app !== 1) {
    throw new Error(`app.json is of version ${settings.edgewright_app}; this page knows 1`);
  }
  return settings;
}
