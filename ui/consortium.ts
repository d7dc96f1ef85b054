// The bid of a consortium: who leads names the members and gathers their signatures, they sign.
import { startCoSign } from "./bid/co-sign";
import { startLead } from "./bid/lead";

startLead();
startCoSign();
