/* Rust's standard library takes its random numbers from ProcessPrng of bcryptprimitives.dll,
 * which Wine has from version 9 on. Debian 12 has Wine 8: this DLL, beside the test's
 * executable, is that one function, on top of RtlGenRandom, which every Windows has. It is for
 * tests under Wine only. */
#include <windows.h>

/* RtlGenRandom's name in advapi32.dll. */
BOOLEAN NTAPI SystemFunction036(PVOID buffer, ULONG length);

__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE data, SIZE_T size)
{
    while (size > 0) {
        ULONG part = size > 0x10000000 ? 0x10000000 : (ULONG)size;
        if (!SystemFunction036(data, part))
            return FALSE;
        data += part;
        size -= part;
    }
    return TRUE;
}
