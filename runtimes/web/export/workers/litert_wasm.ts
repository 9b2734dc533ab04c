import * as runtime from "../../page/runtimes/litert_wasm.ts";
import { serve } from "../serve.ts";

serve(runtime);
