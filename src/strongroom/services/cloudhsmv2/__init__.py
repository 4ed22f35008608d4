"""The control API of CloudHSM (``cloudhsmv2``, API version 2017-04-28): one file per operation."""
