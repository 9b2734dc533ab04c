import * as runtime from "../../page/runtimes/ort_wasm.ts";
import { serve } from "../serve.ts";

serve(runtime);
