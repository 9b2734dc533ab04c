import * as runtime from "../../page/runtimes/tfjs_wasm.ts";
import { serve } from "../serve.ts";

serve(runtime);
