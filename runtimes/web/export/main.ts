// The page of one artifact: opens it, asks for input, shows the answer, tests itself.

import { readNpz } from "../page/npz.ts";
import type { Arrays } from "../page/tensors.ts";
import { showAbout } from "./about.ts";
import { showAnswer, showProblem } from "./answer_view.ts";
import { byId, words } from "./elements.ts";
import { Engine } from "./engine.ts";
import { showExamples } from "./examples.ts";
import { makeFeeds, toOutputs, type RawItems } from "./feeds.ts";
import { setUpForm } from "./form_input.ts";
import { setUpImage } from "./image_input.ts";
import { keepOffline } from "./offline.ts";
import { selfTest } from "./self_test.ts";
import { showTest, showTestProblem } from "./self_test_view.ts";
import { fetchSettings, type AppSettings, type GoldenSettings } from "./settings.ts";

type Tested = AppSettings & { goldens: GoldenSettings };

async function start(): Promise<void> {
  const state = byId("state");
  let engine: Engine;
  let settings: AppSettings;
  try {
    settings = await fetchSettings();
    state.textContent = "Loading the model…";
    engine = await Engine.open(settings);
  } catch (e) {
    state.textContent = `The model could not be loaded: ${words(e)}`;
    state.classList.add("bad");
    return;
  }
  state.hidden = true;
  showAbout(settings, engine.inForce);
  const choose = setUpInput(settings, engine);
  byId("work").hidden = false;
  if (settings.goldens) await test(settings as Tested, engine, choose);
  await keepOffline();
}

/** The way in; gives what chooses an example. */
function setUpInput(settings: AppSettings, engine: Engine): (raw: RawItems) => void {
  const ask = (raw: RawItems) => void run(settings, engine, raw);
  if (settings.kind === "image") {
    const image = setUpImage(settings, ask);
    return (raw) => {
      image.show([...raw.values()][0]!);
      ask(raw);
    };
  }
  const form = setUpForm(settings, ask);
  return (raw) => {
    form.show(raw);
    ask(raw);
  };
}

async function run(settings: AppSettings, engine: Engine, raw: RawItems): Promise<void> {
  try {
    const { outputs, milliseconds } = await engine.run(makeFeeds(settings, raw));
    showAnswer(toOutputs(outputs), settings.labels, milliseconds);
  } catch (e) {
    showProblem(words(e));
  }
}

async function test(settings: Tested, engine: Engine, choose: (raw: RawItems) => void) {
  byId("test").hidden = false;
  try {
    const arrays = await fetchGoldens(settings.goldens.file);
    if (settings.goldens.real) showExamples(settings, arrays, choose);
    const result = await selfTest(
      settings,
      arrays,
      async (feeds) => (await engine.run(feeds)).outputs,
    );
    showTest(result, settings.goldens);
  } catch (e) {
    showTestProblem(words(e));
  }
}

async function fetchGoldens(file: string): Promise<Arrays> {
  const answer = await fetch(file);
  if (!answer.ok) throw new Error(`${file}: ${answer.status} ${answer.statusText}`);
  return readNpz(new Uint8Array(await answer.arrayBuffer()));
}

void start();
