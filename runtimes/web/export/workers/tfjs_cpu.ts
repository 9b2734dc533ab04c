import * as runtime from "../../page/runtimes/tfjs_cpu.ts";
import { serve } from "../serve.ts";

serve(runtime);
